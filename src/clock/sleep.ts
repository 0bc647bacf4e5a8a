import type { Clock } from './clock';

/** `Clock.sleep`, made of a clock's timers. */
export function sleepBy(setTimer: Clock['setTimer'], delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimer(delayMs, done, { name: 'sleep' });
    signal?.addEventListener('abort', done, { once: true });
  });
}
