export type { Clock, Instant, Timer } from './clock';
export type { Random } from './random';
