import { categoryOf, type AllSlice, type LogPosition, type RecordedEvent } from '../port';

/** The tail never holds more: those who follow the log are hardly ever further behind. */
const MOST_EVENTS = 2_000;
const MOST_CHARACTERS = 4 * 1_048_576;

/**
 * The end of the log as this process wrote it: whoever follows the log here is given the very events that were just committed, and does
 * not read them back from the file.
 *
 * It holds only while nobody else has committed since, which SQLite's `data_version` tells; then it is given up until the next own commit.
 */
export class Tail {
  private events: RecordedEvent[] = [];
  /** Position of the log's head before the first of them. */
  private before = 0;
  private version = -1;
  private characters = 0;

  /** Own events were committed behind the position `before`; `version`: SQLite's data version as seen by the transaction that wrote them. */
  add({ before, events, version }: { before: number; events: readonly RecordedEvent[]; version: number }): void {
    if (events.length === 0) return;
    if (version !== this.version || before !== this.last) {
      this.events = [];
      this.before = before;
      this.characters = 0;
      this.version = version;
    }
    for (const event of events) {
      this.events.push(event);
      this.characters += sizeOf(event);
    }
    if (this.events.length > 2 * MOST_EVENTS || this.characters > 2 * MOST_CHARACTERS) this.shorten();
  }

  /** As `readAll` of the port; null: it has to be read. `version`: SQLite's data version now. */
  slice(
    after: LogPosition,
    categories: readonly string[] | undefined,
    limit: number,
    version: number,
  ): AllSlice | null {
    if (version !== this.version || this.events.length === 0 || after === 'start' || after < this.before) return null;
    const { last } = this;
    if (after >= last) return { events: [], position: after, end: true };
    const found: RecordedEvent[] = [];
    for (let i = Number(after) - this.before; i < this.events.length; i++) {
      const event = this.events[i];
      if (categories !== undefined && !categories.includes(categoryOf(event.stream))) continue;
      found.push(event);
      if (found.length === limit) return { events: found, position: event.position, end: event.position >= last };
    }
    return { events: found, position: BigInt(last), end: true };
  }

  /** Own commits leave no gap between positions. */
  private get last(): number {
    return this.before + this.events.length;
  }

  private shorten(): void {
    let dropped = 0;
    while (this.events.length - dropped > MOST_EVENTS || this.characters > MOST_CHARACTERS)
      this.characters -= sizeOf(this.events[dropped++]);
    this.events.splice(0, dropped);
    this.before += dropped;
  }
}

function sizeOf({ data, metadata }: RecordedEvent): number {
  return data.length + metadata.length;
}
