export type { Clock, Instant, Timer } from './clock';
export type { ClusterTime } from './cluster-time';
export type { Random } from './random';
