import type { Clock } from '../clock';
import type { EventStore } from '../event-store';
import type { ServiceMembership } from '../membership';
import type { SqliteReadModel } from '../read-model';
import type { LogAcquaintance } from './acquaintance';
import type { HealthCheck } from './health';
import type { ResolvedOptions } from './options';
import { within } from './within';

const READY_PATIENCE_MS = 1_000;

/** Whether the log answers now. One that never has is not asked besides: that is done in the background. */
export async function storeCheck(store: EventStore, log: LogAcquaintance, clock: Clock): Promise<HealthCheck> {
  if (log.identity === null) return { ok: false, detail: log.words };
  const looked = store.head().then(
    (head): HealthCheck => ({ ok: true, detail: `the log answers; its head is ${head}` }),
    (error: unknown): HealthCheck => ({ ok: false, detail: error instanceof Error ? error.message : String(error) }),
  );
  const silent = { ok: false, detail: `the log did not answer within ${READY_PATIENCE_MS} ms` };
  return (await within(clock, READY_PATIENCE_MS, looked)) ?? silent;
}

export function viewCheck(view: SqliteReadModel): HealthCheck {
  const { state, position, opaque, rebuilt, lastError } = view.health();
  if (state === 'waiting')
    return { ok: false, detail: 'waits for the log, to be compared with it; it cannot be read before' };
  const words = [`${state} at position ${position}`];
  if (state === 'rebuilding') words.push(`${rebuilt} events applied`);
  if (opaque > 0) words.push(`${opaque} jobs cannot be read here`);
  if (lastError !== null) words.push(`last error: ${lastError}`);
  return { ok: state === 'live', detail: words.join('; ') };
}

export function trustCheck(
  role: ResolvedOptions['role'],
  membership: ServiceMembership | null,
  log: LogAcquaintance,
): HealthCheck {
  if (role === 'web-only') return { ok: true, detail: 'a web-only replica owns nothing' };
  if (membership === null)
    return { ok: false, detail: log.identity === null ? 'not registered: waits for the log' : 'not started' };
  const { state, detail, trustRemainingMs } = membership.health();
  const fence = membership.trust.check();
  return fence === null && (state === 'registered' || state === 'draining')
    ? { ok: state === 'registered', detail: `${state}; trusted for another ${Math.round(trustRemainingMs)} ms` }
    : { ok: false, detail: detail ?? `${state}: ${fence ?? 'not registered'}` };
}
