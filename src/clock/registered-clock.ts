import type { Clock, Instant, Timer } from './clock';

/** Where pending timers are shown by name: `SchedulerRegistry` of @nestjs/schedule fits. */
export interface TimerRegistry {
  doesExist(type: 'timeout', name: string): boolean;
  addTimeout(name: string, handle: unknown): void;
  /** Clears the handle and forgets it. */
  deleteTimeout(name: string): void;
}

/** Names in the registry begin so. */
export const TIMER_PREFIX = 'holdfast:';

/** Timers of single runs: there may be thousands of them, and they are no loops. */
const ofRuns: ReadonlySet<string> = new Set(['run-timeout', 'abort-grace']);
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/**
 * A clock whose named timers stand in a registry as `holdfast:<name>` while they are pending (`#2`, … when several of a name are).
 *
 * Whoever deletes such an entry, or clears the whole registry as Nest's orchestrator does at shutdown, cancels the timer: it is the
 * timer that stands there. The beat is the exception: a service that still drains must not fall silent because a registry was cleared,
 * so its entry is a companion of the same length, for the eye only.
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
    if (!registry || !name || ofRuns.has(name) || delayMs > LONGEST_TIMEOUT) {
      return this.clock.setTimer(delayMs, callback, options);
    }
    const key = freeKey(registry, TIMER_PREFIX + name);
    const withdraw = () => {
      if (registry.doesExist('timeout', key)) registry.deleteTimeout(key);
    };
    if (name.startsWith('beat')) {
      const companion = setTimeout(() => undefined, delayMs);
      companion.unref();
      registry.addTimeout(key, companion);
      const timer = this.clock.setTimer(delayMs, () => (withdraw(), callback()), options);
      return { cancel: () => (timer.cancel(), withdraw()) };
    }
    const handle = setTimeout(() => (withdraw(), callback()), delayMs);
    if (options.keepAlive === false) handle.unref();
    registry.addTimeout(key, handle);
    return {
      cancel: () => {
        clearTimeout(handle);
        withdraw();
      },
    };
  }
}

function freeKey(registry: TimerRegistry, name: string): string {
  if (!registry.doesExist('timeout', name)) return name;
  for (let n = 2; ; n++) if (!registry.doesExist('timeout', `${name}#${n}`)) return `${name}#${n}`;
}
