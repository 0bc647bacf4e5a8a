import type { Clock, Random } from '../../clock';
import type { AppendOptions, AppendOutcome, EventStore, NewEvent, RecordedEvent } from '../../event-store';
import { backoff, type BackoffOptions } from './backoff';
import type { Patience } from './patience';

/** One append of one decision. `expected` −1: no stream. */
export interface Append {
  readonly stream: string;
  readonly expected: number;
  readonly events: readonly NewEvent[];
  readonly lane: NonNullable<AppendOptions['lane']>;
}

/**
 * What became of a decision's append, definitely:
 * - `landed`: its events are in the stream, the last one at `revision` and `position`;
 * - `moved`: the stream went on without it, and it will never land: decide anew from a read that reaches `head`;
 * - `unwritten`: certainly not written, nothing of it is under way: it may be decided and sent again;
 * - `refused`: the store will never take it;
 * - `undecided`: the store or this process closed before there was an answer.
 */
export type Settled =
  | { readonly kind: 'landed'; readonly revision: number; readonly position: bigint }
  | { readonly kind: 'moved'; readonly head: number }
  | { readonly kind: 'unwritten'; readonly message: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'undecided'; readonly message: string };

/** Sends appends until their answer is definite (protocol 3.2). Never decides anything. */
export class Sender {
  private readonly underWay = new Map<string, number>();

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly retry: BackoffOptions,
    private readonly closing: AbortSignal,
  ) {}

  /** An append to this stream was sent and has no definite answer. */
  outstanding(stream: string): boolean {
    return this.underWay.has(stream);
  }

  /**
   * @param onDoubt called at the first answer that leaves the outcome open.
   * @param wentBack whether the log has gone back in time since the decision: what it said of its head no longer holds.
   */
  settle(append: Append, patience: Patience, onDoubt: () => void, wentBack: () => boolean): Promise<Settled> {
    return this.openUntil(append, patience, () => this.untilDefinite(append, onDoubt, wentBack));
  }

  /** Whether the stream holds this append, which was acknowledged: the log may be another one since, and hold it or not. */
  stands(append: Append, patience: Patience, onDoubt: () => void): Promise<Settled> {
    return this.openUntil(append, patience, async () => {
      for (let n = 0; ; n += 1) {
        try {
          return own(append, (await this.readOwn(append)).events) ?? { kind: 'moved', head: -1 };
        } catch (error) {
          if (n === 0) onDoubt();
          if (this.closing.aborted) return { kind: 'undecided', message: String(error) };
        }
        await this.clock.sleep(backoff(this.retry, n, this.random), this.closing);
      }
    });
  }

  /** While it works, nobody knows what became of the append. */
  private async openUntil(append: Append, patience: Patience, work: () => Promise<Settled>): Promise<Settled> {
    const { stream } = append;
    patience.uncertain = true;
    this.underWay.set(stream, (this.underWay.get(stream) ?? 0) + 1);
    let settled: Settled = { kind: 'undecided', message: 'not sent' };
    try {
      settled = await work();
      return settled;
    } finally {
      if (settled.kind !== 'undecided') patience.uncertain = false;
      const left = (this.underWay.get(stream) ?? 1) - 1;
      if (left === 0) this.underWay.delete(stream);
      else this.underWay.set(stream, left);
    }
  }

  private async untilDefinite(append: Append, onDoubt: () => void, wentBack: () => boolean): Promise<Settled> {
    const { stream, expected, events, lane } = append;
    let doubt = false;
    for (let n = 0; ; n += 1) {
      const answer = await this.store.append(stream, expected < 0 ? 'no_stream' : expected, events, { lane });
      switch (answer.outcome) {
        case 'appended':
          return { kind: 'landed', revision: answer.revision, position: answer.position };
        case 'conflict':
          if (!doubt) return { kind: 'moved', head: revisionOf(answer) };
          return this.compare(append, revisionOf(answer), wentBack);
        case 'refused':
          if (!doubt) return { kind: 'refused', code: answer.code, message: answer.message };
          // The store takes nothing any more, but an earlier sending of this append may have been written.
          return this.lookOnce(append, answer.message);
        case 'unavailable':
          if (!doubt) return { kind: 'unwritten', message: answer.message };
          break;
        case 'unknown':
          if (!doubt) onDoubt();
          doubt = true;
          break;
      }
      if (this.closing.aborted) return { kind: 'undecided', message: answer.message };
      await this.clock.sleep(backoff(this.retry, n, this.random), this.closing);
      if (this.closing.aborted) return { kind: 'undecided', message: answer.message };
    }
  }

  /** The head has moved, so this append can no longer land: either it is what moved the head, or it never will. */
  private async compare(append: Append, head: number, wentBack: () => boolean): Promise<Settled> {
    if (head <= append.expected) return { kind: 'moved', head: -1 };
    for (let n = 0; ; n += 1) {
      try {
        const slice = await this.readOwn(append);
        // The log that spoke of this head may be lost: another one need not come to it.
        if (revisionOf({ actual: slice.head }) >= head || wentBack())
          return own(append, slice.events) ?? { kind: 'moved', head: wentBack() ? -1 : head };
      } catch {
        // The read is repeated like the append: only a definite answer ends this.
      }
      if (this.closing.aborted) return { kind: 'undecided', message: 'closed' };
      await this.clock.sleep(backoff(this.retry, n, this.random), this.closing);
    }
  }

  private async lookOnce(append: Append, message: string): Promise<Settled> {
    try {
      const slice = await this.readOwn(append);
      const landed = own(append, slice.events);
      if (landed !== null) return landed;
      const head = revisionOf({ actual: slice.head });
      if (head > append.expected) return { kind: 'moved', head };
    } catch {
      // Cannot be told.
    }
    return { kind: 'undecided', message };
  }

  private readOwn(append: Append) {
    const { stream, expected, events } = append;
    return this.store.readStream(stream, { direction: 'forwards', from: expected + 1, limit: events.length });
  }
}

/** The events at exactly expected+1 … expected+n are those of this append; null: they are not. */
function own(append: Append, found: readonly RecordedEvent[]): Settled | null {
  const { expected, events } = append;
  const mine =
    found.length === events.length &&
    found.every((event, i) => event.revision === expected + 1 + i && event.id === events[i].id);
  const last = found.at(-1);
  if (!mine || last === undefined) return null;
  return { kind: 'landed', revision: last.revision, position: last.position };
}

function revisionOf(answer: Pick<Extract<AppendOutcome, { outcome: 'conflict' }>, 'actual'>): number {
  return answer.actual === 'no_stream' ? -1 : answer.actual;
}
