/** The projection of the log: who owns what, what is due, in tables of one disposable file per service. */
export type * from './read-model';
export { BadCursorError } from './cursor';
export { ViewClosedError, ViewLockedError, ViewNotComparedError, ViewTimeoutError } from './errors';
export { VIEW_DDL, VIEW_SCHEMA_VERSION } from './schema';
export { SqliteReadModel } from './sqlite-read-model';
export type { SqliteReadModelOptions } from './options';
