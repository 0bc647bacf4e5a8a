import type { Clock, Random } from '../../clock';
import { StoreUnavailableError, type EventStore, type RecordedEvent } from '../../event-store';
import { backoff, type BackoffOptions } from './backoff';
import { NoLongerAwaited, type Patience } from './patience';
import type { Held } from './states';
import type { Subject } from './subject';

/** Events per read. Books are closed every few hundred events, so a job is read in a few pages. */
const PAGE = 200;

/** Reads streams from the store and folds them. */
export class Loader {
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly retry: BackoffOptions,
  ) {}

  /**
   * The stream's state by a read that begins now: what came after `base`, where the log still has the newest event of `base` in its place;
   * else backwards to the newest readable books (or to the beginning), folded forwards from there.
   * Repeated, while the caller waits, until the store answers and the stream reaches `head`: a revision that the store has reported
   * must not be missed by a read that follows.
   */
  async load<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    subject: Subject<State, Event>,
    stream: string,
    id: string,
    head: () => number,
    base: Held<State> | null,
    patience: Patience,
  ): Promise<Held<State>> {
    return this.repeat(patience, async () => {
      const held = (await this.catchUp(subject, stream, base)) ?? (await this.loadWhole(subject, stream, id));
      return held.state.revision < head() ? null : held;
    });
  }

  /** The events at `from` and after it, at most `limit`; there is one at `from`, but in a log that went back: then it may answer none. */
  async readFrom(
    stream: string,
    from: number,
    limit: number,
    patience: Patience,
    wentBack: () => boolean,
  ): Promise<readonly RecordedEvent[]> {
    return this.repeat(patience, async () => {
      const { events } = await this.store.readStream(stream, { direction: 'forwards', from, limit });
      return events.length === 0 && !wentBack() ? null : events;
    });
  }

  private async loadWhole<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    subject: Subject<State, Event>,
    stream: string,
    id: string,
  ): Promise<Held<State>> {
    const events = await this.readBack(subject, stream);
    const state = events.reduceRight((folded, event) => subject.fold(folded, event), subject.absent(id));
    return { state, position: events[0]?.position ?? null };
  }

  private async catchUp<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    subject: Subject<State, Event>,
    stream: string,
    base: Held<State> | null,
  ): Promise<Held<State> | null> {
    if (base === null || base.position === null) return null;
    const from = base.state.revision;
    const { events } = await this.store.readStream(stream, { direction: 'forwards', from, limit: PAGE });
    const [first, ...following] = events;
    // Far behind, or not the log that it was: read whole.
    if (events.length === PAGE || first?.revision !== from || first.position !== base.position) return null;
    return {
      state: following.reduce((folded, event) => subject.fold(folded, event), base.state),
      position: events[events.length - 1].position,
    };
  }

  /** Newest first. */
  private async readBack<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    subject: Subject<State, Event>,
    stream: string,
  ): Promise<readonly RecordedEvent[]> {
    const found: RecordedEvent[] = [];
    for (let from: number | undefined; ;) {
      const { events } = await this.store.readStream(stream, {
        direction: 'backwards',
        limit: PAGE,
        ...(from === undefined ? {} : { from }),
      });
      const books = events.findIndex((event) => subject.isBooks(event));
      found.push(...(books < 0 ? events : events.slice(0, books + 1)));
      const oldest = found.at(-1);
      if (books >= 0 || events.length === 0 || oldest === undefined || oldest.revision === 0) return found;
      from = oldest.revision - 1;
    }
  }

  private async repeat<T>(patience: Patience, read: () => Promise<T | null>): Promise<T> {
    for (let n = 0; ; n += 1) {
      try {
        const result = await read();
        if (result !== null) return result;
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error;
      }
      if (patience.over) throw new NoLongerAwaited();
      await this.clock.sleep(backoff(this.retry, n, this.random), patience.signal);
      if (patience.over) throw new NoLongerAwaited();
    }
  }
}
