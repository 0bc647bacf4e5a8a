/** The life of a job: events, state, commands, decisions. Pure. */
export type * from './commands';
export type * from './definition';
export type * from './events';
export type * from './refusals';
export type * from './state';
export { BOOKS_EVERY, closeBooks } from './books';
export { decide } from './decide';
export { backoffMs } from './decide-runs';
export { backfilledInstant, instantOfSlot, slotOf } from './events';
export { canonicalMisfire, describeBacklog, describeMisfire, misfireRule, type MisfireInput } from './misfire';
export { BOOKS_SCHEMA, absentJob, evolve, fold } from './evolve';
export { canonical, canonicalDefinition } from './canonical';
export { countedCrashes, isSuspect } from './suspicion';
export { MOST_ALLOWED, mayBegin, overlapWords, replaceable, runLimit } from './overlap';
export { hasOpenRun } from './evolve-runs';
export { dueAt, fencingToken, isTerminal, openRuns, placeable, statusOf } from './inspect';
export { pendingDueAt } from './pending';
