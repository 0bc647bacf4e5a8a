export type { Clock, Instant, Timer } from './clock';
export type { ClusterTime } from './cluster-time';
export type { Random } from './random';
export { RegisteredClock, TIMER_PREFIX, type TimerRegistry } from './registered-clock';
export { SeededRandom } from './seeded-random';
export { sleepBy } from './sleep';
export { SystemClock } from './system-clock';
export { SystemRandom } from './system-random';
export { VirtualClock } from './virtual-clock';
