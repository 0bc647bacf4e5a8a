/**
 * Holdfast: every background job has exactly one owner, and the log proves it.
 * This is the whole public surface; `holdfast/testing` is the one for tests and for authors of adapters.
 */
export * from './module/facts';
export {
  HandlerInvoker,
  HOLDFAST_CONTEXT,
  HOLDFAST_PORTS,
  JobCtx,
  JobHandler,
  JobHandlerRefusedError,
  JobOwnershipModule,
  JobPayload,
} from './module';
export type {
  HoldfastAsyncOptions,
  InvokerOptions,
  JobHandlerDecorator,
  JobHandlerOptions,
  JobRequest,
  JobRunner,
} from './module';
export { HoldfastService, IdentityConflictError, OptionsRefusedError, resolveOptions } from './runtime';
export type {
  BalanceOptions,
  HealthCheck,
  HoldfastOptions,
  PublishedEvent,
  Readiness,
  ZoneDataHealth,
  RuntimePorts,
  ServiceOptions,
  StoreOptions,
} from './runtime';
export { Cron, DeclarationRefusedError, Interval, Timeout, jobIdOfName } from './declarations';
export { CronExpression } from '@nestjs/schedule';
export type {
  CronOptions,
  CronTime,
  DeclarationOptions,
  DeclarationRefusal,
  DeclarationsHealth,
  DeclarationsReport,
  DeclarationAnswer,
  VanishedJob,
} from './declarations';
export * from './commands';
export * from './queries';
export { JobAbortedError } from './worker';
export type { AbortReason, HandlerDefinition, JobContext, Leftover, RunJob } from './worker';
export { livenessProfiles } from './membership';
export type { FenceReason, LivenessOptions, LivenessProfile, MembershipHealth, Processes } from './membership';
export type { JobFilter, JobRow, Page, ReadModelHealth, ServiceRow } from './read-model';
export { VIEW_DDL, ViewNotComparedError, ViewTimeoutError } from './read-model';
export * from './event-store';
export { SystemClock, SystemRandom } from './clock';
export type { Clock, ClusterTime, Random, Timer } from './clock';
export { NestJsLogger, PinoLogger, silentLogger } from './logging';
export type { LogFields, Logger, PinoInstance } from './logging';
export * from './audit';
export { decode, encode } from './domain/codec';
export type { DomainEvent, UnreadableEvent } from './domain/codec';
export { dueAt, fencingToken, statusOf } from './domain/job';
export type {
  Affinity,
  JobDefinition,
  JobEvent,
  JobPolicies,
  Misfire,
  MisfireInput,
  MisfireRule,
  MisfireWord,
  JobRecord,
  JobState,
  JobStatus,
  JsonValue,
  LastOutcome,
  Overlap,
  RetryPolicy,
  Slot,
  Tag,
} from './domain/job';
export type {
  Capacity,
  Incarnation,
  Labels,
  ProcessIdentity,
  ServiceEvent,
  ServiceHeartbeat,
  ServiceState,
} from './domain/service';
export type { PreviewedSlot, Schedule, ScheduleInput } from './domain/schedule';
export type { Refusal } from './domain/refusal';
