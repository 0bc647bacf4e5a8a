import type { Clock } from '../clock';
import type { EventStore, LogIdentity } from '../event-store';
import type { Logger } from '../logging';
import type { Checkpoint } from './view-file';

/** Between two tries to ask a log that does not answer. */
export const COMPARE_AGAIN_MS = 500;

/** A view as it is at the moment: why it is not one of a log of that identity (null: it is), and up to where it holds that log. */
export interface Compared {
  readonly differs: (log: LogIdentity) => string | null;
  readonly checkpoint: Checkpoint;
}

interface ComparePorts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly identified?: (log: LogIdentity) => void;
}

/**
 * Compares the view with the log, as soon as the log answers.
 * @returns why it is a view of another log, or of another state of it; null: it is not, or the signal was aborted.
 */
export async function comparedWithLog(
  { store, clock, logger, identified }: ComparePorts,
  view: () => Compared,
  signal: AbortSignal,
): Promise<string | null> {
  while (!signal.aborted) {
    try {
      const log = await store.identity();
      identified?.(log);
      const { differs, checkpoint } = view();
      return differs(log) ?? (await logWentBack(store, checkpoint));
    } catch (error) {
      logger.warn('view.log-not-compared', { error: error instanceof Error ? error.message : String(error) });
      await clock.sleep(COMPARE_AGAIN_MS, signal);
    }
  }
  return null;
}

/**
 * Whether the log still is the one that the view was made from (protocol §6): it reaches the checkpoint, and has the newest applied event
 * where it was.
 * @returns why it is not; null: it is.
 */
export async function logWentBack(store: EventStore, { position, newest }: Checkpoint): Promise<string | null> {
  if (position === 'start') return null;
  const head = await store.head();
  if (head === 'start' || head < position) return `the view is at ${position}, the log ends at ${head}`;
  if (newest === null) return null;
  const event = await store.readAt(newest.position);
  if (event?.id === newest.id) return null;
  return `the log has ${event === null ? 'nothing' : 'another event'} at ${newest.position}, where the view's newest event was`;
}
