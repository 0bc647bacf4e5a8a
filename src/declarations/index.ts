/** What the code of a process declares: `@Cron`, `@Interval`, `@Timeout`, and how that is brought into the log. */
export { Cron, Interval, Timeout } from './decorators';
export type { CronOptions, CronTime, DateTimeLike, DeclarationOptions, DeclaredMethod } from './metadata';
export { DECLARED } from './metadata';
export type { Declaration, Place, WrittenSchedule } from './declaration';
export { DeclarationRefusedError, Declarations, type DeclarationRefusal } from './declarations';
export { Reconciler, type ReconcilerOptions, type ReconcilerPorts } from './reconciler';
export type { DeclarationsHealth, DeclarationsReport, DeclarationAnswer, VanishedJob } from './report';
export { jobIdOfName } from './names';
