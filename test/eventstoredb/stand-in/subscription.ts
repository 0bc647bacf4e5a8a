import type { ReadResp } from '@eventstore/db-client/generated/streams_pb';
import type { Context } from './context';
import { caughtUpResponse, checkpointResponse, confirmationResponse, eventResponse } from './messages';
import type { Outlet } from './outlet';
import type { StoredRecord } from './record';
import { tooSlow, type Refusal } from './refusals';

/** A part of the log that a catch-up has looked through. */
export interface Page {
  readonly records: readonly StoredRecord[];
  readonly considered: number;
  /** The position that a checkpoint after it names. */
  readonly reached: bigint;
}

export interface Source {
  /** What comes next; undefined at the end of what is written. */
  page(): Page | undefined;
  /** Whether a record that is written from now on is one of this subscription's. */
  matches(record: StoredRecord): boolean;
  /** Whether there is nothing to catch up with yet, so that it cannot be said either that it is caught up with. */
  mustWait?(): boolean;
  /** What a record ends the subscription with once it is delivered. */
  after?(record: StoredRecord): Refusal | undefined;
  readonly checkpointEvery?: number;
}

/** Of so many events of a burst all but one are taken while it is written: the real server drops a burst of 500, and delivers one of 100. */
const TAKEN_OF = 10;

/**
 * Catch-up waits for its consumer. Once live, events are held for it in a small buffer; when that is full the subscription is dropped,
 * after what the buffer holds has been delivered.
 */
export class Subscription {
  private readonly buffer: ReadResp[] = [];
  private held = 0;
  private taken = 0;
  private considered = 0;
  private muted = false;
  private full = false;
  private ending: Refusal | undefined;
  private pumping = false;

  constructor(
    private readonly context: Context,
    private readonly outlet: Outlet,
    private readonly source: Source,
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

  run(): void {
    this.outlet.put(confirmationResponse(this.context.random.uuid(this.context.clock.wall())));
    void this.catchUp();
  }

  private async catchUp(): Promise<void> {
    while (!this.outlet.closed) {
      const page = this.source.page();
      if (!page) {
        // In this very turn, so that nothing is written between the empty page and the listener.
        if (!this.source.mustWait?.()) return this.goLive();
        await this.written();
        continue;
      }
      for (const record of page.records) await this.put(eventResponse(record));
      this.considered += page.considered;
      if (this.checkpointDue()) await this.put(checkpointResponse(page.reached));
      await this.context.clock.yield();
    }
  }

  /** Resolves when something that this subscription waits for is written, or nobody waits any more. */
  private written(): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.context.log.onWrite((records) => {
        const ending = records
          .filter((record) => this.source.matches(record))
          .map((record) => this.source.after?.(record));
        if (ending.length === 0) return;
        forget();
        if (ending[0]) this.outlet.fail(ending[0]);
        resolve();
      });
      this.outlet.onClose(() => {
        forget();
        resolve();
      });
    });
  }

  private async put(response: ReadResp): Promise<void> {
    if (!this.muted && !this.outlet.put(response)) await this.outlet.drained();
  }

  private goLive(): void {
    const forget = this.context.log.onWrite((records) => {
      for (const record of records) this.take(record);
    });
    this.outlet.onClose(forget);
    if (!this.muted) this.outlet.put(caughtUpResponse());
  }

  private take(record: StoredRecord): void {
    if (this.ending || this.muted) return;
    if (this.source.matches(record)) {
      if (this.held >= this.context.limits.liveBuffer) {
        this.ending = tooSlow();
      } else {
        this.buffer.push(eventResponse(record));
        this.held++;
        this.ending = this.source.after?.(record);
        if (++this.taken % TAKEN_OF !== 0 && !this.full) this.release();
      }
    }
    if (!this.ending) {
      this.considered++;
      if (this.checkpointDue()) this.buffer.push(checkpointResponse(record.position));
    }
    void this.pump();
  }

  private checkpointDue(): boolean {
    const { checkpointEvery } = this.source;
    if (checkpointEvery === undefined || this.considered < checkpointEvery) return false;
    this.considered %= checkpointEvery;
    return true;
  }

  /** The oldest of what is held goes out. */
  private release(): boolean {
    const response = this.buffer.shift();
    if (response?.hasEvent()) this.held--;
    return !response || this.outlet.put(response);
  }

  /** Empties the buffer in a later turn, as far as the consumer takes it. */
  private async pump(): Promise<void> {
    if (this.pumping) return;
    this.pumping = true;
    await this.context.clock.yield();
    while (this.buffer.length > 0 && !this.outlet.closed && !this.muted) {
      if (this.release()) continue;
      this.full = true;
      await this.outlet.drained();
      this.full = false;
    }
    this.pumping = false;
    if (this.ending) this.outlet.fail(this.ending);
  }
}
