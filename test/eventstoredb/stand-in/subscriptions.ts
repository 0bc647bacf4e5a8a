import type { ReadResp } from '@eventstore/db-client/generated/streams_pb';
import type { Context } from './context';
import type { RecordFilter } from './filters';
import { caughtUpResponse, checkpointResponse, confirmationResponse, eventResponse } from './messages';
import type { Outlet } from './outlet';
import { GONE, type StoredRecord } from './record';
import { streamDeleted, tooSlow, type Refusal } from './refusals';

/** Where a read or a subscription begins. */
export type From = bigint | 'start' | 'end';

/** After how many records a catch-up looks around: nothing else runs while it does not. */
const PAGE = 32;

export function subscribeToAll(context: Context, outlet: Outlet, from: From, filter?: RecordFilter): void {
  const { log } = context;
  const subscription = new Subscription(context, outlet, filter?.checkpointEvery);
  const matches = filter?.matches ?? (() => true);
  // Exclusive: the record at the position has been handled.
  let next = from === 'end' ? log.records.length : from === 'start' ? 0 : log.indexOf(from + 1n);
  subscription.run(
    () => {
      const page = log.records.slice(next, next + PAGE);
      next += page.length;
      return page;
    },
    matches,
    () => true,
  );
}

export function subscribeToStream(context: Context, outlet: Outlet, stream: string, from: From): void {
  const { log } = context;
  if (log.isTombstoned(stream)) return outlet.fail(streamDeleted(stream));
  const subscription = new Subscription(context, outlet);
  let next = from === 'end' ? log.lastRevision(stream) + 1n : from === 'start' ? 0n : from + 1n;
  subscription.run(
    () => {
      const read = log.readStream(stream, false, next, PAGE);
      const page = read.result === 'found' ? read.records : [];
      if (page.length > 0) next = page[page.length - 1].revision + 1n;
      return page;
    },
    (record) => record.stream === stream && record.revision >= next,
    () => log.exists(stream),
    (record) => (record.revision === GONE ? streamDeleted(stream) : undefined),
  );
}

/**
 * Catch-up waits for its consumer. Once live, events are held for it in a small buffer; when that is full the subscription is dropped,
 * after what the buffer holds has been delivered.
 */
class Subscription {
  private readonly buffer: ReadResp[] = [];
  private events = 0;
  private considered = 0;
  private muted = false;
  private dropped: Refusal | undefined;
  private pumping = false;

  constructor(
    private readonly context: Context,
    private readonly outlet: Outlet,
    private readonly checkpointEvery?: number,
  ) {
    const { subscriptions } = context.faults;
    const afflicted = {
      endCleanly: () => outlet.end(),
      dropTooSlow: () => outlet.fail(tooSlow()),
      mute: () => void (this.muted = true),
    };
    subscriptions.add(afflicted);
    outlet.onClose(() => subscriptions.delete(afflicted));
  }

  /**
   * @param nextPage what comes next in the log; empty at its end.
   * @param saysCaughtUp whether the server says so: about a stream that does not exist it does not.
   * @param ends what a record ends the subscription with instead of being delivered.
   */
  run(
    nextPage: () => readonly StoredRecord[],
    matches: (record: StoredRecord) => boolean,
    saysCaughtUp: () => boolean,
    ends: (record: StoredRecord) => Refusal | undefined = () => undefined,
  ): void {
    this.outlet.put(confirmationResponse(this.context.random.uuid(this.context.clock.wall())));
    void this.catchUp(nextPage, matches, () => {
      const forget = this.context.log.onWrite((records) => {
        for (const record of records) if (this.live(record, matches, ends)) return;
      });
      this.outlet.onClose(forget);
      if (saysCaughtUp() && !this.muted) this.outlet.put(caughtUpResponse());
    });
  }

  private async catchUp(
    nextPage: () => readonly StoredRecord[],
    matches: (record: StoredRecord) => boolean,
    goLive: () => void,
  ): Promise<void> {
    while (!this.outlet.closed) {
      const page = nextPage();
      // In this very turn, so that nothing is written between the empty page and the listener.
      if (page.length === 0) return goLive();
      for (const record of page) {
        // A stream's own page holds what it asked for: `matches` has moved on with it.
        if (this.checkpointEvery === undefined || matches(record)) await this.put(eventResponse(record));
        const checkpoint = this.checkpointAfter(record);
        if (checkpoint) await this.put(checkpoint);
      }
      await this.context.clock.yield();
    }
  }

  private async put(response: ReadResp): Promise<void> {
    if (!this.muted && !this.outlet.put(response)) await this.outlet.drained();
  }

  /** Whether nothing more is to be taken. */
  private live(
    record: StoredRecord,
    matches: (record: StoredRecord) => boolean,
    ends: (record: StoredRecord) => Refusal | undefined,
  ): boolean {
    if (this.dropped || this.muted) return true;
    if (matches(record)) {
      this.dropped = ends(record) ?? (this.events >= this.context.limits.liveBuffer ? tooSlow() : undefined);
      if (!this.dropped) {
        this.buffer.push(eventResponse(record));
        this.events++;
      }
    }
    const checkpoint = this.dropped ? undefined : this.checkpointAfter(record);
    if (checkpoint) this.buffer.push(checkpoint);
    void this.pump();
    return this.dropped !== undefined;
  }

  private checkpointAfter(record: StoredRecord): ReadResp | undefined {
    if (this.checkpointEvery === undefined || ++this.considered % this.checkpointEvery !== 0) return undefined;
    return checkpointResponse(record.position);
  }

  /** In a later turn: a burst fills the buffer faster than it is emptied, as at the real server. */
  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    await this.context.clock.yield();
    while (this.buffer.length > 0 && !this.outlet.closed && !this.muted) {
      const response = this.buffer.shift()!;
      if (response.hasEvent()) this.events--;
      if (!this.outlet.put(response)) await this.outlet.drained();
    }
    this.pumping = false;
    if (this.dropped) this.outlet.fail(this.dropped);
  }
}
