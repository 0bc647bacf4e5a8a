import {
  StoreUnavailableError,
  type AllSlice,
  type LogPosition,
  type ReadStreamOptions,
  type RecordedEvent,
  type StreamSlice,
} from '../port';
import { fromServer, positionOf } from './event-text';
import type { FoundEvent } from './log-client';
import { wants, type LogNames } from './log-names';
import { isNoPosition } from './outcome';
import type { ServerCalls } from './server-calls';

/** Events of one page of `$all`: the newest event of a log is nearly always in the first one. */
const FIRST_PAGE_BACK = 16;
const MOST_PER_PAGE = 1_000;
/** The server counts positions with 63 bits. */
const LAST_POSITION = 2n ** 63n - 1n;

/** A slice, and the newest event of the log when it was read. */
export interface MeasuredSlice extends AllSlice {
  readonly head: LogPosition;
}

/** What lies between the newest event of the log and the newest one of the server, as of the last look: none of it is of this log. */
interface Seen {
  readonly head: LogPosition;
  readonly end: bigint;
}

/**
 * Reads of one log. Positions that it tells are those of events of the log, never of others on the server; the server's own events and those
 * of other logs are passed over here, because the client reads `$all` without a filter.
 */
export class LogReader {
  private seen: Seen | null = null;

  /** @param origin where the log begins on the server: nothing of it lies before. */
  constructor(
    private readonly calls: ServerCalls,
    private readonly names: LogNames,
    private readonly origin: () => Promise<LogPosition>,
  ) {}

  async stream(stream: string, { direction, from, limit }: ReadStreamOptions): Promise<StreamSlice> {
    const name = this.names.onServer(stream);
    const first = from === undefined ? (direction === 'forwards' ? 'start' : 'end') : BigInt(from);
    const found = await this.calls.readStream(name, direction, first, limit);
    if (found === null) return { events: [], head: 'no_stream' };
    const events = this.ownOf(found);
    const last = events.at(direction === 'forwards' ? -1 : 0);
    // The newest event is in it: it was read from the end, or the events ran out.
    const reachesEnd = direction === 'forwards' ? events.length < limit : from === undefined;
    if (last !== undefined && reachesEnd) return { events, head: last.revision };
    const head = await this.headOf(stream);
    if (direction === 'backwards' && from !== undefined && head !== 'no_stream' && from > head && events.length === 0)
      return this.stream(stream, { direction, limit });
    return { events, head };
  }

  async headOf(stream: string): Promise<number | 'no_stream'> {
    const found = await this.calls.readStream(this.names.onServer(stream), 'backwards', 'end', 1);
    return this.ownOf(found ?? []).at(0)?.revision ?? 'no_stream';
  }

  /** As `readAll` of the port. `after` may be the position of any event of the server. */
  async slice(after: LogPosition, categories: readonly string[] | undefined, limit: number): Promise<MeasuredSlice> {
    const head = await this.head();
    const events: RecordedEvent[] = [];
    let position = after;
    if (head === 'start' || (after !== 'start' && after >= head)) return { events, position, end: true, head };
    const wanted = wants(categories);
    for await (const event of this.forwards(after, limit + 1)) {
      position = event.position;
      if (wanted(event.stream)) events.push(event);
      if (position >= head) return { events, position, end: true, head };
      if (events.length === limit) return { events, position, end: false, head };
    }
    return { events, position, end: true, head };
  }

  async readAt(position: bigint): Promise<RecordedEvent | null> {
    if (position < 1n || position > LAST_POSITION) return null;
    const head = await this.head();
    if (head === 'start' || position > head) return null;
    try {
      const [found] = await this.calls.readAll('forwards', position, 1);
      const event = found === undefined ? null : fromServer(found, this.names);
      return event?.position === position ? event : null;
    } catch (error) {
      // Inside an event, where another event began before the log went back in time.
      if (isNoPosition(error)) return null;
      throw this.failed(error);
    }
  }

  /** Backwards from the end of the server: past what is not of this log. */
  async head(): Promise<LogPosition> {
    try {
      const origin = await this.origin();
      const { seen } = this;
      let from: bigint | 'end' = 'end';
      let end: bigint | null = null;
      for (let size = FIRST_PAGE_BACK; ; size = Math.min(MOST_PER_PAGE, size * 4)) {
        const page: FoundEvent[] = await this.calls.readAll('backwards', from, size);
        for (const found of page) {
          const position = positionOf(found);
          end ??= position;
          if (seen !== null && end >= seen.end && position <= seen.end) return this.remember(seen.head, end);
          const event = fromServer(found, this.names);
          if (event !== null) return this.remember(position, end);
          if (origin !== 'start' && position <= origin) return this.remember('start', end);
          from = position;
        }
        if (page.length < size) return 'start';
      }
    } catch (error) {
      throw this.failed(error);
    }
  }

  /** What was seen before says nothing any more: the server was away, and may have come back as an earlier one. */
  forget(): void {
    this.seen = null;
  }

  private remember(head: LogPosition, end: bigint): LogPosition {
    this.seen = { head, end };
    return head;
  }

  /** Events of the log after a position, page by page. */
  private async *forwards(after: LogPosition, atLeast: number): AsyncGenerator<RecordedEvent> {
    let from: LogPosition = after === 'start' ? await this.origin() : after;
    // Two at least: a page begins with the event that the last one ended with. Where little is asked for of what is there, the next one is longer.
    for (let size = Math.max(2, Math.min(MOST_PER_PAGE, atLeast + 1)); ; size = Math.min(MOST_PER_PAGE, size * 4)) {
      const before: LogPosition = from;
      const page = await this.calls.readAll('forwards', from, size).catch((error: unknown) => {
        throw this.failed(error);
      });
      for (const found of page) {
        from = positionOf(found);
        if (before !== 'start' && from <= before) continue;
        const event = fromServer(found, this.names);
        if (event !== null) yield event;
      }
      if (page.length < size) return;
    }
  }

  private ownOf(found: readonly FoundEvent[]): RecordedEvent[] {
    return found.map((one) => fromServer(one, this.names)).filter((one) => one !== null);
  }

  private failed(error: unknown): StoreUnavailableError {
    this.forget();
    return this.calls.unreadable(error);
  }
}
