import type { Clock } from '../clock';
import type { EventStore, LogPosition, RecordedEvent } from '../event-store';
import { patiently } from './patience';

/** An event has up to 1 MiB: so many are held at once. */
const PAGE = 200;

export interface Walk {
  readonly clock: Clock;
  readonly categories: readonly string[];
  /** Exclusive. */
  readonly after: LogPosition;
  /** The last position, inclusive. */
  readonly to: LogPosition;
}

/** The events of a part of a log, in its order; a page of them is in memory. Other work has its turn between pages. */
export async function* walk(
  store: EventStore,
  { clock, categories, after, to }: Walk,
): AsyncGenerator<RecordedEvent, void> {
  let position = after;
  while (to !== 'start' && (position === 'start' || position < to)) {
    const from = position;
    const slice = await patiently(clock, () => store.readAll({ after: from, categories, limit: PAGE }));
    for (const event of slice.events) {
      if (event.position > to) return;
      yield event;
    }
    if (slice.end || slice.position === 'start') return;
    position = slice.position;
    await clock.yield();
  }
}
