import type { Clock } from '../../clock';
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
import { SubscriptionSession, type OpenSubscription } from './subscription-session';
import type { ServerCalls } from './server-calls';

/** Events of one page of `$all`: the newest event of a log is nearly always in the first one. */
const FIRST_PAGE_BACK = 16;
const MOST_PER_PAGE = 1_000;
/** So many events of the server are looked at here; then the server is asked to look for those of the categories. */
const NEAR = 2 * MOST_PER_PAGE;
/** A look by the server that is silent for so long is given up, ms: servers before 23.10 do not say when they are done. */
const FAR_PATIENCE_MS = 1_500;
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

  /**
   * @param origin where the log begins on the server: nothing of it lies before.
   * @param far how the server looks for events of categories behind a position: the only filtered read that there is.
   */
  constructor(
    private readonly calls: ServerCalls,
    private readonly names: LogNames,
    private readonly origin: () => Promise<LogPosition>,
    private readonly far?: {
      readonly clock: Clock;
      readonly open: (after: bigint, categories: readonly string[]) => OpenSubscription;
    },
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
    let from = after;
    let looked = 0;
    let near = categories === undefined || this.far === undefined ? Infinity : NEAR;
    for (;;) {
      for await (const { at, event } of this.forwards(from, limit + 1)) {
        from = at;
        if (event !== null) {
          position = at;
          if (wanted(event.stream)) events.push(event);
          if (at >= head) return { events, position, end: true, head };
          if (events.length === limit) return { events, position, end: false, head };
        }
        if (++looked >= near) break;
      }
      if (looked < near || categories === undefined || from === 'start') return { events, position, end: true, head };
      const reached = await this.look(from, { categories, limit, head }, events);
      if (reached === 'end') return { events, position: head, end: true, head };
      if (events.length === limit) return { events, position: reached, end: false, head };
      // It was broken off. The rest in the plain way, which takes longer.
      from = reached;
      near = Infinity;
    }
  }

  /**
   * Lets the server look behind a position, up to the head or until there are enough. Adds to `events`.
   * @returns how far it came; everything before was looked at.
   */
  private async look(
    after: bigint,
    asked: { readonly categories: readonly string[]; readonly limit: number; readonly head: bigint },
    events: RecordedEvent[],
  ): Promise<bigint | 'end'> {
    const { far } = this;
    const { categories, limit, head } = asked;
    if (far === undefined) return after;
    const wanted = wants(categories);
    const session = new SubscriptionSession(far.clock, far.open(after, categories));
    let from = after;
    try {
      for (;;) {
        const found = session.take(limit);
        for (const one of found) {
          const at = positionOf(one);
          if (at <= from) continue;
          if (at > head) return 'end';
          from = at;
          const event = fromServer(one, this.names);
          if (event !== null && wanted(event.stream)) events.push(event);
          if (at === head) return 'end';
          if (events.length === limit) return from;
        }
        const { checkpoint } = session;
        if ((checkpoint !== null && checkpoint >= head) || (session.live && session.waiting === 0)) return 'end';
        if (found.length > 0) continue;
        if (session.ended !== null || !(await session.news(FAR_PATIENCE_MS))) return from;
      }
    } finally {
      session.close();
    }
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

  /** What comes after a position, page by page; `event` null: it is none of the log's. */
  private async *forwards(
    after: LogPosition,
    atLeast: number,
  ): AsyncGenerator<{ readonly at: bigint; readonly event: RecordedEvent | null }> {
    let from: LogPosition = after === 'start' ? await this.origin() : after;
    // Two at least: a page begins with the event that the last one ended with.
    const size = Math.max(2, Math.min(MOST_PER_PAGE, atLeast + 1));
    for (;;) {
      const before: LogPosition = from;
      const page = await this.calls.readAll('forwards', from, size).catch((error: unknown) => {
        throw this.failed(error);
      });
      for (const found of page) {
        from = positionOf(found);
        if (before !== 'start' && from <= before) continue;
        yield { at: from, event: fromServer(found, this.names) };
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
