/** `holdfast/testing`: for tests of one's own, and for authors of adapters. No test framework is needed. */
export * from './application';
export { brokenAdapters, eventStoreContract } from './event-store-contract';
export type { BrokenAdapter, ContractCase, EventStoreFactory } from './event-store-contract';
export * from './faulty-store';
export {
  randomScript,
  shrink,
  simulate,
  WORLD_STARTS_AT,
  type Action,
  type HandlersOf,
  type HandlerWorld,
  type JobScript,
  type Order,
  type PlaceScript,
  type RandomScriptOptions,
  type Script,
  type ShrinkOptions,
  type SimulatedViolation,
  type SimulationOptions,
  type SimulationResult,
  type Substitution,
  type Trouble,
  type WitnessedRun,
} from './simulation';
export * from './specification';
export { SeededRandom, VirtualClock } from '../clock';
