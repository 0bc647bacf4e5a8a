import type { EventStore } from '../event-store';
import type { Checkpoint } from './view-file';

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
