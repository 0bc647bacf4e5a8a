import type { CheckedCategory, LoggedEvent } from './logged-event';
import type { Report } from './violation';

/** Newest event ids that are kept per stream, and of one that has most likely got its last event. */
const KEPT_IDS = 64;
const KEPT_IDS_ENDED = 4;

/** What is kept of one stream: revisions without gaps, and no event twice. */
export class StreamOrder {
  private revision = -1;
  /** A ring once it is full. */
  private ids: number[] = [];
  private oldest = 0;

  check(category: CheckedCategory, { revision, event, id }: LoggedEvent, report: Report): void {
    const short = shortId(id);
    if (this.revision < 0) {
      // Beats are dropped from the front, and history may be cut off behind closed books.
      const cut = category === 'heartbeat' || (category === 'job' && event.type === 'JobBooksClosed');
      if (revision !== 0 && !cut)
        report('log', `The stream begins at revision ${revision}: what was before is missing.`);
    } else {
      const expected = this.revision + 1;
      if (revision < expected || (revision > expected && category !== 'heartbeat')) {
        const what = revision > expected ? 'events are missing' : 'the order is wrong';
        report('log', `Revision ${revision} follows ${this.revision}: ${what}.`);
      }
      if (this.ids.includes(short)) report('log', `An event with the id ${id} stands in this stream before.`);
    }
    this.revision = revision;
    if (this.ids.length < KEPT_IDS) {
      this.ids.push(short);
    } else {
      this.ids[this.oldest] = short;
      this.oldest = (this.oldest + 1) % KEPT_IDS;
    }
  }

  /** The stream may go on, but most do not: less is kept of it. */
  shrink(): void {
    const byAge = [...this.ids.slice(this.oldest), ...this.ids.slice(0, this.oldest)];
    this.ids = byAge.slice(-KEPT_IDS_ENDED);
    this.oldest = 0;
  }
}

/** 52 of the 122 bits of a UUID, of those that are random in a UUIDv7 too: enough to tell 64 apart. Its first digits are the time, which many share. */
function shortId(id: string): number {
  return Number.parseInt(id.slice(20, 21) + id.slice(24), 16);
}
