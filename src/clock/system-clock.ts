import { uptime } from 'node:os';
import type { Clock, Instant, Timer } from './clock';
import { sleepBy } from './sleep';

const LONGEST_TIMEOUT = 2 ** 31 - 1;
/** How old a sample of the boot time may be, ms. `os.uptime()` costs about 12 µs; a fence check must cost less. */
const BOOT_SAMPLE_MS = 10;

/** The machine's clocks. */
export class SystemClock implements Clock {
  private bootSample = { at: -Infinity, boot: 0 };

  wall(): Instant {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  boot(): number {
    const now = performance.now();
    if (now - this.bootSample.at >= BOOT_SAMPLE_MS) this.bootSample = { at: now, boot: uptime() * 1_000 };
    return this.bootSample.boot;
  }

  setTimer(delayMs: number, callback: () => void, options?: { keepAlive?: boolean; name?: string }): Timer {
    let handle: NodeJS.Timeout;
    const arm = (left: number): void => {
      const part = Math.min(left, LONGEST_TIMEOUT);
      handle = setTimeout(() => (left > part ? arm(left - part) : callback()), part);
      if (options?.keepAlive === false) handle.unref();
    };
    arm(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepBy((...call) => this.setTimer(...call), delayMs, signal);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}
