import { SystemClock, type VirtualClock } from '../../clock';
import type { EventStore } from '../../event-store';
import type { HoldfastService } from '../../runtime';
import type { ObservedRuns } from './observed-runs';

/** Longest that start, end and a command may take, in virtual time. */
export const PATIENCE_MS = 600_000;
/** How many times everything that is ready is let run for a view that is behind. */
const VIEW_TURNS = 50;

export interface FlowPorts {
  readonly clock: VirtualClock;
  readonly observed: ObservedRuns;
  readonly store: EventStore;
  /** Whose views are to have all of the log before time goes on. */
  readonly services: () => readonly HoldfastService[];
}

/**
 * How virtual time goes on in a test: from timer to timer, and after each one everything happens that needs no virtual time, before the next
 * one fires. One caller at a time: two that turn the clock would pass over what the other waits for.
 */
export class FlowOfTime {
  private readonly real = new SystemClock();
  private turning: Promise<unknown> = Promise.resolve();

  constructor(private readonly ports: FlowPorts) {}

  /** Everything that needs no virtual time happens. */
  settle(): Promise<void> {
    return this.turn(() => this.quiet());
  }

  advance(ms: number): Promise<void> {
    const { clock } = this.ports;
    return this.turn(async () => {
      const until = clock.monotonic() + ms;
      await this.quiet();
      while (await this.step(until - clock.monotonic()));
      await clock.advance(until - clock.monotonic());
      await this.quiet();
    });
  }

  /** From timer to timer, until the condition holds; false: it does not within so many ms. */
  until(condition: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
    const { clock } = this.ports;
    return this.turn(async () => {
      const until = clock.monotonic() + ms;
      await this.quiet();
      while (!(await condition())) if (!(await this.step(until - clock.monotonic()))) return false;
      return true;
    });
  }

  /** From timer to timer until `done`; while none is pending, what is under way takes real time. */
  whileNot(done: () => boolean): Promise<void> {
    const { clock } = this.ports;
    return this.turn(async () => {
      const until = clock.monotonic() + PATIENCE_MS;
      await this.quiet();
      while (!done()) {
        if (clock.monotonic() > until) throw new Error(`It is not done after ${PATIENCE_MS} ms of virtual time.`);
        if (!(await this.step())) await this.real.sleep(1);
      }
    });
  }

  private turn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turning.then(work);
    this.turning = mine.catch(() => undefined);
    return mine;
  }

  private async step(limitMs?: number): Promise<boolean> {
    if (!(await this.ports.clock.step(limitMs))) return false;
    await this.quiet();
    return true;
  }

  /** Handlers have settled, and the views have all of the log. */
  private async quiet(): Promise<void> {
    const { clock, observed, store, services } = this.ports;
    for (;;) {
      await observed.settled();
      const head = await store.head();
      if (head !== 'start') await Promise.all(services().map((service) => this.seen(service, head)));
      await clock.settle();
      if (!observed.busy() && (await store.head()) === head) return;
    }
  }

  /** The view of a service has everything up to `head`, as far as that needs no virtual time: one that is closed or broken off does not. */
  private async seen({ readModel }: HoldfastService, head: bigint): Promise<void> {
    const behind = () => {
      const position = readModel.position();
      return position === 'start' || position < head;
    };
    if (!behind()) return;
    // Somebody who waits ends the rest of a view under load.
    readModel.waitFor(head, 1).catch(() => undefined);
    for (let turn = 0; behind() && turn < VIEW_TURNS; turn++) await this.ports.clock.settle();
  }
}
