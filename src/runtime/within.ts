import type { Clock } from '../clock';

/** The promise's value, or null when it has not settled within `ms` or was rejected. */
export async function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | null> {
  const stop = new AbortController();
  try {
    return await Promise.race([promise.catch(() => null), clock.sleep(ms, stop.signal).then(() => null)]);
  } finally {
    stop.abort();
  }
}
