import type { CheckedCategory, LoggedEvent } from './logged-event';
import type { Report } from './violation';

/** Newest event ids that are kept per stream. */
const KEPT_IDS = 64;

interface StreamEnd {
  revision: number;
  readonly ids: Float64Array;
}

/** Revisions without gaps, and no event twice. */
export class StreamOrder {
  private readonly ends = new Map<string, StreamEnd>();

  check(stream: string, category: CheckedCategory, logged: LoggedEvent, report: Report): void {
    const { revision, event, id } = logged;
    const end = this.ends.get(stream);
    const short = shortId(id);
    if (end === undefined) {
      // Beats are dropped from the front, and history may be cut off behind closed books.
      const cut = category === 'heartbeat' || (category === 'job' && event.type === 'JobBooksClosed');
      if (revision !== 0 && !cut)
        report('log', `The stream begins at revision ${revision}: what was before is missing.`);
      const ids = new Float64Array(KEPT_IDS).fill(-1);
      ids[revision % KEPT_IDS] = short;
      this.ends.set(stream, { revision, ids });
      return;
    }
    const expected = end.revision + 1;
    if (revision < expected || (revision > expected && category !== 'heartbeat')) {
      report(
        'log',
        `Revision ${revision} follows ${end.revision}: ${revision > expected ? 'events are missing' : 'the order is wrong'}.`,
      );
    }
    if (end.ids.includes(short)) report('log', `An event with the id ${id} stands in this stream before.`);
    end.ids[expected % KEPT_IDS] = short;
    end.revision = revision;
  }
}

/** The last 52 bits of a UUID: enough to tell 64 apart. Not the first ones: those of a UUIDv7 are the time, the same for a minute of beats. */
function shortId(id: string): number {
  return Number.parseInt(id.slice(22, 23) + id.slice(24), 16);
}
