import type { Clock } from '../clock';
import {
  MAX_APPEND_BYTES,
  StoreUnavailableError,
  type EventStore,
  type NewEvent,
  type RecordedEvent,
} from '../event-store';
import { CopyRefusedError } from './copy-refused-error';
import { patiently } from './patience';

/** Events of one append, at most. */
const MOST_AT_ONCE = 500;

/**
 * Appends events in the order in which they come: one append after the other, neighbours of one stream together, each event at its own revision. So
 * whatever is appended again changes nothing, and the target is at every moment the beginning of the log that it will be.
 */
export class Copying {
  private batch: RecordedEvent[] = [];
  private bytes = 0;

  constructor(
    private readonly target: EventStore,
    private readonly clock: Clock,
  ) {}

  async take(event: RecordedEvent): Promise<void> {
    const size = sizeOf(event);
    const last = this.batch.at(-1);
    const joins =
      last !== undefined &&
      last.stream === event.stream &&
      last.revision + 1 === event.revision &&
      this.bytes + size <= MAX_APPEND_BYTES &&
      this.batch.length < MOST_AT_ONCE;
    if (!joins) await this.flush();
    this.batch.push(event);
    this.bytes += size;
  }

  async flush(): Promise<void> {
    const batch = this.batch;
    [this.batch, this.bytes] = [[], 0];
    for (let rest = batch; rest.length > 0;) rest = await this.append(rest);
  }

  /** @returns what is still to be appended. */
  private async append(batch: RecordedEvent[]): Promise<RecordedEvent[]> {
    const [first] = batch;
    const expected = first.revision === 0 ? ('no_stream' as const) : first.revision - 1;
    const events = batch.map(({ id, type, data, metadata }): NewEvent => ({ id, type, data, metadata }));
    const answer = await patiently(this.clock, async () => {
      const became = await this.target.append(first.stream, expected, events);
      // The identical append again: it is written once, whatever became of this one.
      if (became.outcome === 'unknown' || became.outcome === 'unavailable')
        throw new StoreUnavailableError(
          `The target does not take ${placeOf(first)} now: ${became.message}.`,
          'unavailable',
          'Start the same copy again when it does: it goes on where it stopped.',
        );
      return became;
    });
    if (answer.outcome === 'appended') return [];
    if (answer.outcome === 'refused') {
      throw new CopyRefusedError(
        answer.code,
        'stream',
        placeOf(first),
        `The target refuses it: ${answer.message}.`,
        'Nothing after it was copied; keep this log where it is.',
      );
    }
    return this.afterConflict(batch, answer.actual);
  }

  /** What another process of the same copy, or an append of it that came late, has written already is left out. */
  private async afterConflict(batch: RecordedEvent[], actual: number | 'no_stream'): Promise<RecordedEvent[]> {
    const [first] = batch;
    const { stream, revision } = first;
    if (actual === 'no_stream' || actual < revision) {
      throw new CopyRefusedError(
        'cut-off',
        'stream',
        placeOf(first),
        `The events before this revision are not in the log any more; ${actual === 'no_stream' ? 'none' : `only those to ${actual}`} could be copied, and an event keeps its revision.`,
        'A log with streams that were cut off at the front stays in its store: move it by the means of that store (backup and restore).',
      );
    }
    const { events } = await patiently(this.clock, () =>
      this.target.readStream(stream, { direction: 'forwards', from: revision, limit: batch.length }),
    );
    const known = events.findIndex((event, n) => event.id !== batch[n].id || event.revision !== batch[n].revision);
    const same = known < 0 ? events.length : known;
    if (known < 0 && same > 0) return batch.slice(same);
    throw new CopyRefusedError(
      'others-write',
      'to',
      placeOf(batch[same] ?? first),
      'Another event stands there in the target: somebody else writes to it.',
      'Stop who does, and copy into an empty log.',
    );
  }
}

function placeOf({ stream, revision }: RecordedEvent): string {
  return `${stream} revision ${revision}`;
}

/** As stores count it. */
function sizeOf({ type, data, metadata }: RecordedEvent): number {
  return Buffer.byteLength(type) + Buffer.byteLength(data) + Buffer.byteLength(metadata);
}
