/** What the log tells: the history of a job, its state at a point, and whether the log keeps its rules. */
export { history, type HistoryEntry } from './history';
export { takenAt, type AuditScope } from './job-stream';
export { stateAsOf, type AsOf, type Owner, type StateAsOf } from './state-as-of';
export {
  verifyLog,
  type NeighbourOfViolation,
  type UnreadableFound,
  type VerifyOptions,
  type VerifyProgress,
  type VerifyReport,
  type ViolationFound,
} from './verify-log';
export { wordsOf } from './words';
