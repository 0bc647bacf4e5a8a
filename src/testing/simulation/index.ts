/**
 * A whole cluster in one process, in which everything that can go wrong goes wrong, reproducibly: the real code, composed as in production, with a
 * clock, randomness, a way to the log and a life of each process that a script decides on.
 *
 *     const script = randomScript(7, { handlers: ['payout'] });
 *     const { violations } = await simulate(script, { handlers: ({ clock }) => [{ name: 'payout', run: … }] });
 *
 * The same script has the same history, byte for byte. See `docs/simulation.md`.
 */
export { behaviours, behavingHandlers, type Behaviour } from './behaviours';
export { drawn, WORLD_STARTS_AT } from './draws';
export { clockChanges, type ClockChange } from './random-schedules';
export type { SimulatedViolation } from './judged';
export type { HandlersOf, HandlerWorld, Substitution } from './place';
export { randomScript, type RandomScriptOptions } from './random-script';
export type { Action, JobScript, Order, PlaceScript, Script } from './script';
export { shrink, type ShrinkOptions } from './shrink';
export { simulate, type SimulationOptions, type SimulationResult } from './simulation';
export type { Trouble } from './troubles';
export type { WitnessedRun } from './witness';
