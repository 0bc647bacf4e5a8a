import type { EventData } from '@eventstore/db-client';
import type { AppendOutcome, ExpectedRevision, NewEvent } from '../port';
import { toServer } from './event-text';
import type { LogNames } from './log-names';
import type { LogReader } from './log-reader';
import { outcomeOf } from './outcome';
import type { ServerCalls } from './server-calls';

/** An append that has been checked, as it will be sent. */
export interface Prepared {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly ids: readonly string[];
  readonly events: EventData[];
}

/** Sends one append, once, and tells what became of it. */
export class Appender {
  constructor(
    private readonly calls: ServerCalls,
    private readonly names: LogNames,
    private readonly reader: LogReader,
    /** Told of every position that the log has got. */
    private readonly onAppended: (position: bigint) => void,
  ) {}

  /** At once, so that what the caller does with its array afterwards does not reach the log. */
  prepare(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Prepared {
    return { stream, expected, ids: events.map(({ id }) => id), events: events.map(toServer) };
  }

  /** Never rejects. */
  async send(append: Prepared): Promise<AppendOutcome> {
    const { stream, expected, events } = append;
    try {
      const answer = await this.calls.append(
        this.names.onServer(stream),
        typeof expected === 'number' ? BigInt(expected) : expected,
        events,
      );
      if (!answer.success) return { outcome: 'unknown', message: 'the server reports neither success nor a conflict' };
      if (answer.position === undefined) return await this.withoutPosition(append);
      this.onAppended(answer.position.commit);
      return {
        outcome: 'appended',
        revision: Number(answer.nextExpectedRevision),
        position: answer.position.commit,
      };
    } catch (error) {
      const became = outcomeOf(error);
      return became.outcome === 'conflict' ? this.conflict(stream, became.actual) : became;
    }
  }

  /**
   * The server knows the append and has no position for it: its events have vanished, or a part of them. What cannot be read cannot be answered
   * for, so that it is a conflict then.
   */
  private async withoutPosition({ stream, expected, ids }: Prepared): Promise<AppendOutcome> {
    try {
      if (expected === 'any') return { outcome: 'unknown', message: 'the server names no position' };
      const from = expected === 'no_stream' ? 0 : expected + 1;
      const { events, head } = await this.reader.stream(stream, { direction: 'forwards', from, limit: ids.length });
      const last = events.at(-1);
      const whole =
        events.length === ids.length && events.every(({ id, revision }, n) => id === ids[n] && revision === from + n);
      return whole && last !== undefined
        ? { outcome: 'appended', revision: last.revision, position: last.position }
        : { outcome: 'conflict', actual: head };
    } catch (error) {
      return { outcome: 'unknown', message: error instanceof Error ? error.message : String(error) };
    }
  }

  /**
   * The server counts a soft-deleted stream on, though none of it can be read: there the conflict says what a read says, or whoever reads up to the
   * revision that it names would read for ever.
   */
  private async conflict(stream: string, actual: number | 'no_stream' | null): Promise<AppendOutcome> {
    if (actual === 'no_stream') return { outcome: 'conflict', actual };
    try {
      const head = await this.reader.headOf(stream);
      // The stream went on meanwhile, or the read is older than the answer.
      return { outcome: 'conflict', actual: head === 'no_stream' || actual === null ? head : Math.max(head, actual) };
    } catch (error) {
      return actual === null
        ? { outcome: 'unknown', message: error instanceof Error ? error.message : String(error) }
        : { outcome: 'conflict', actual };
    }
  }
}
