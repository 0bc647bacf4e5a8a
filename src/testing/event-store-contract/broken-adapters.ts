import type {
  AllSlice,
  AppendOptions,
  AppendOutcome,
  EventStore,
  ExpectedRevision,
  LogIdentity,
  LogPosition,
  NewEvent,
  ReadAllOptions,
  ReadStreamOptions,
  RecordedEvent,
  StreamSlice,
  SubscribeOptions,
  Subscription,
} from '../../event-store';

/** An adapter that breaks one sentence of the contract on purpose: the control that shows the suite can fail. */
export interface BrokenAdapter {
  readonly name: string;
  /** The name of a case that it fails (it may fail others for the same reason). */
  readonly fails: string;
  /** Puts the fault in front of a sound store. */
  readonly wrap: (store: EventStore) => EventStore;
}

/** Passes everything on; the faults override what they break. */
class Passing implements EventStore {
  constructor(protected readonly inner: EventStore) {}
  append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    options?: AppendOptions,
  ): Promise<AppendOutcome> {
    return this.inner.append(stream, expected, events, options);
  }
  readStream(stream: string, options: ReadStreamOptions): Promise<StreamSlice> {
    return this.inner.readStream(stream, options);
  }
  readAll(options: ReadAllOptions): Promise<AllSlice> {
    return this.inner.readAll(options);
  }
  readAt(position: bigint): Promise<RecordedEvent | null> {
    return this.inner.readAt(position);
  }
  head(): Promise<LogPosition> {
    return this.inner.head();
  }
  subscribe(options: SubscribeOptions): Subscription {
    return this.inner.subscribe(options);
  }
  keepLast(stream: string, count: number, maxAgeMs?: number): Promise<void> {
    return this.inner.keepLast(stream, count, maxAgeMs);
  }
  identity(): Promise<LogIdentity> {
    return this.inner.identity();
  }
  raiseGeneration(): Promise<LogIdentity> {
    return this.inner.raiseGeneration();
  }
  close(): Promise<void> {
    return this.inner.close();
  }
  protected async headOf(stream: string): Promise<number | 'no_stream'> {
    return (await this.inner.readStream(stream, { direction: 'backwards', limit: 1 })).head;
  }
}

/** Compares revisions and forgets that it has seen the ids. */
class ForgetsRetries extends Passing {
  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendOutcome> {
    if (expected === 'any' || events.length === 0 || stream === '') return this.inner.append(stream, expected, events);
    const actual = await this.headOf(stream);
    return actual === expected ? this.inner.append(stream, expected, events) : { outcome: 'conflict', actual };
  }
}

class AnswersTheHead extends Passing {
  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendOutcome> {
    const answer = await this.inner.append(stream, expected, events);
    if (answer.outcome !== 'appended') return answer;
    const { events: newest } = await this.inner.readStream(stream, { direction: 'backwards', limit: 1 });
    return { outcome: 'appended', revision: newest[0].revision, position: newest[0].position };
  }
}

class WritesOneByOne extends Passing {
  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendOutcome> {
    let answer = await this.inner.append(stream, expected, events.slice(0, 1));
    for (let n = 1; n < events.length && answer.outcome === 'appended'; n++)
      answer = await this.inner.append(stream, answer.revision, [events[n]]);
    return answer;
  }
}

class GuessesTheActualRevision extends Passing {
  override async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendOutcome> {
    const answer = await this.inner.append(stream, expected, events);
    return answer.outcome === 'conflict' && typeof expected === 'number'
      ? { outcome: 'conflict', actual: expected + 1 }
      : answer;
  }
}

class ReadsInclusively extends Passing {
  override readAll(options: ReadAllOptions): Promise<AllSlice> {
    const { after } = options;
    return this.inner.readAll({ ...options, after: after === 'start' || after === 1n ? 'start' : after - 1n });
  }
}

class IgnoresCategories extends Passing {
  override readAll({ after, limit }: ReadAllOptions): Promise<AllSlice> {
    return this.inner.readAll({ after, limit });
  }
}

class DeliversWithoutWaiting extends Passing {
  override subscribe(options: SubscribeOptions): Subscription {
    const onEvents = (events: readonly RecordedEvent[], position: bigint) => void options.onEvents(events, position);
    return this.inner.subscribe({ ...options, onEvents });
  }
}

class SilentWhileEmpty extends Passing {
  override subscribe(options: SubscribeOptions): Subscription {
    let any = false;
    return this.inner.subscribe({
      ...options,
      onEvents: (events, position) => {
        any = true;
        return options.onEvents(events, position);
      },
      onCaughtUp: () => any && options.onCaughtUp?.(),
    });
  }
}

/** Has room for 100 events and loses what does not fit. */
class LosesBursts extends Passing {
  override subscribe(options: SubscribeOptions): Subscription {
    const onEvents: SubscribeOptions['onEvents'] = (events, position) =>
      options.onEvents(events.slice(0, 100), position);
    return this.inner.subscribe({ ...options, onEvents });
  }
}

class SwallowsHandlerErrors extends Passing {
  override subscribe(options: SubscribeOptions): Subscription {
    const onEvents: SubscribeOptions['onEvents'] = async (events, position) => {
      try {
        await options.onEvents(events, position);
      } catch {
        // The fault: nobody hears of it.
      }
    };
    return this.inner.subscribe({ ...options, onEvents });
  }
}

/** Ten faults that adapters have had, each with the case that must notice it. */
export const brokenAdapters: readonly BrokenAdapter[] = [
  {
    name: 'forgets that it has seen the ids of a retry',
    fails: 'the same append again at no_stream is answered as before, and nothing is written',
    wrap: (store) => new ForgetsRetries(store),
  },
  {
    name: 'answers a retry with the head of the stream',
    fails: 'a retry after later appends is answered with its own revision and position, not with the head',
    wrap: (store) => new AnswersTheHead(store),
  },
  {
    name: 'writes the events of an append one by one',
    fails: 'events of one append are written together or not at all',
    wrap: (store) => new WritesOneByOne(store),
  },
  {
    name: 'guesses the actual revision of a conflict',
    fails: 'a wrong exact revision is a conflict that names the revision of the last event',
    wrap: (store) => new GuessesTheActualRevision(store),
  },
  {
    name: 'reads the log from its position, inclusive',
    fails: 'a read of the log begins after its position, exclusive',
    wrap: (store) => new ReadsInclusively(store),
  },
  {
    name: 'ignores the categories of a read',
    fails: 'a read with categories gives the events of those categories only, in order',
    wrap: (store) => new IgnoresCategories(store),
  },
  {
    name: 'delivers without waiting for the handler',
    fails: 'onEvents is never called while an earlier call has not settled',
    wrap: (store) => new DeliversWithoutWaiting(store),
  },
  {
    name: 'says nothing while the log is empty',
    fails: 'onCaughtUp is called on an empty log too',
    wrap: (store) => new SilentWhileEmpty(store),
  },
  {
    name: 'loses what exceeds its buffer',
    fails: 'a burst of 500 events in one append is delivered whole, to every subscription',
    wrap: (store) => new LosesBursts(store),
  },
  {
    name: 'swallows the errors of handlers',
    fails: 'a handler that rejects ends its subscription with reason handler, and is not called again',
    wrap: (store) => new SwallowsHandlerErrors(store),
  },
];
