/** A log brought from one store to another, whole, and compared with what it was. */
export { copyLog, isWhole, type CopyOptions, type CopyProgress, type CopyReport } from './copy-log';
export { CopyRefusedError } from './copy-refused-error';
export type { Difference } from './compare-logs';
