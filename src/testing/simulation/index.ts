/** A whole cluster of services in one process, in which everything that can go wrong goes wrong, reproducibly. */
export { behaviours, behavingHandlers, type Behaviour } from './behaviours';
export type { SimulatedViolation } from './judge';
export type { HandlersOf, HandlerWorld, Substitution } from './place';
export type { Action, JobScript, Order, PlaceScript, Script } from './script';
export { drawn, WORLD_STARTS_AT } from './draws';
export { randomScript, type RandomScriptOptions } from './random-script';
export { shrink, type ShrinkOptions } from './shrink';
export { simulate, type SimulationOptions, type SimulationResult } from './simulation';
export type { Trouble } from './troubles';
export type { WitnessedRun } from './witness';
