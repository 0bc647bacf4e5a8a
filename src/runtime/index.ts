/** One service, composed. */
export type { BalanceOptions } from './balance-options';
export type { PublishedEvent } from './fact-feed';
export type { HealthCheck, Readiness, ZoneDataHealth } from './health';
export { HoldfastService, IdentityConflictError } from './holdfast-service';
export type { RuntimePorts } from './opening';
export {
  OptionsRefusedError,
  resolveOptions,
  type HoldfastOptions,
  type ResolvedOptions,
  type ServiceOptions,
  type StoreOptions,
} from './options';
