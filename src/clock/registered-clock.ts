import type { Clock, Instant, Timer } from './clock';

/** Where pending timers are shown by name: `SchedulerRegistry` of @nestjs/schedule fits. */
export interface TimerRegistry {
  doesExist(type: 'timeout', name: string): boolean;
  addTimeout(name: string, handle: unknown): void;
  getTimeout(name: string): unknown;
  /** Clears the handle and forgets it. */
  deleteTimeout(name: string): void;
}

/** Names in the registry begin so. */
export const TIMER_PREFIX = 'holdfast:';

/** Timers of single runs and commands: there may be thousands of them, and they are no loops. */
const notLoops: ReadonlySet<string> = new Set(['run-timeout', 'abort-grace', 'command-timeout', 'beat-timeout']);
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/**
 * A clock whose named timers stand in a registry as `holdfast:<name>` while they are pending (`#2`, … when several of a name are).
 *
 * What stands there is a companion of the same length, for the eye: whoever deletes such an entry, or clears the whole registry as Nest's
 * orchestrator does at shutdown, does not stop the loop. A service must not fall silent, or stop hearing others, because a registry was cleared.
 */
export class RegisteredClock implements Clock {
  private registry: TimerRegistry | null = null;

  constructor(private readonly clock: Clock) {}

  /** From now on timers are shown there. */
  showIn(registry: TimerRegistry): void {
    this.registry = registry;
  }

  wall(): Instant {
    return this.clock.wall();
  }
  monotonic(): number {
    return this.clock.monotonic();
  }
  boot(): number {
    return this.clock.boot();
  }
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return this.clock.sleep(delayMs, signal);
  }
  yield(): Promise<void> {
    return this.clock.yield();
  }

  setTimer(delayMs: number, callback: () => void, options?: { keepAlive?: boolean; name?: string }): Timer {
    const { registry } = this;
    const name = options?.name;
    if (!registry || !name || notLoops.has(name) || delayMs > LONGEST_TIMEOUT) {
      return this.clock.setTimer(delayMs, callback, options);
    }
    const key = freeKey(registry, TIMER_PREFIX + name);
    const companion = setTimeout(() => undefined, delayMs);
    companion.unref();
    registry.addTimeout(key, companion);
    // After a clearing the name may belong to a later timer.
    const withdraw = () => {
      if (registry.doesExist('timeout', key) && registry.getTimeout(key) === companion) registry.deleteTimeout(key);
    };
    const timer = this.clock.setTimer(delayMs, () => (withdraw(), callback()), options);
    return { cancel: () => (timer.cancel(), withdraw()) };
  }
}

function freeKey(registry: TimerRegistry, name: string): string {
  if (!registry.doesExist('timeout', name)) return name;
  for (let n = 2; ; n++) if (!registry.doesExist('timeout', `${name}#${n}`)) return `${name}#${n}`;
}
