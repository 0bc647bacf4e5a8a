/** The invariants of the protocol as folds over a log. */
export { LogChecker, type LogCheckerOptions } from './log-checker';
export type { LoggedEvent } from './logged-event';
export type { InvariantName, Violation } from './violation';
