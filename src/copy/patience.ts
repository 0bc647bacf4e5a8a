import type { Clock } from '../clock';
import { StoreUnavailableError } from '../event-store';

/** So long a store may be away, at a stretch: longer than a cluster takes to find a leader, or a node to restart. */
const PATIENCE_MS = 60_000;
const FIRST_REST_MS = 50;
const LONGEST_REST_MS = 2_000;
/** What waiting does not mend. */
const FINAL = new Set(['closed', 'read-only', 'no-log', 'access-denied']);

/** Tries until it succeeds. @throws StoreUnavailableError the last one, after a minute without success. */
export async function patiently<T>(clock: Clock, attempt: () => Promise<T>): Promise<T> {
  const end = clock.monotonic() + PATIENCE_MS;
  for (let rest = FIRST_REST_MS; ; rest = Math.min(2 * rest, LONGEST_REST_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || FINAL.has(error.code) || clock.monotonic() >= end) throw error;
    }
    await clock.sleep(rest);
  }
}
