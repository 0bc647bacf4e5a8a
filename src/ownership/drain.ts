import type { AppendLane } from './append-lane';
import type { Ledger } from './ledger';
import type { OwnJobsScan } from './own-jobs';
import { Pace } from './pace';
import type { SweepPorts } from './ports';
import type { Releases } from './releases';

/** Released in one pass. */
const BATCH = 1_000;

/** Gives back everything that is idle, pass by pass, and tells those who wait when nothing more can be done. */
export class Drain {
  private requested = false;
  private waiters: (() => void)[] = [];

  constructor(
    private readonly ports: SweepPorts,
    private readonly lane: AppendLane,
    private readonly ledger: Ledger,
    private readonly scan: OwnJobsScan,
    private readonly releases: Releases,
    private readonly mayAppend: (incarnation: string) => boolean,
    private readonly patienceMs: number,
    private readonly closed: AbortSignal,
  ) {}

  /** `drain()` was called, whatever membership says. */
  get asked(): boolean {
    return this.requested;
  }

  ask(): void {
    this.requested = true;
  }

  /** Resolves with the next pass that has nothing more to do. */
  over(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  /** Nothing more can be done. */
  end(): void {
    for (const done of this.waiters.splice(0)) done();
  }

  /** @returns the monotonic time of the next pass; null: when the view moves on. */
  async pass(incarnation: string): Promise<number | null> {
    const { clock, readModel } = this.ports;
    this.lane.plan([]);
    await this.lane.settled(this.patienceMs, { flying: true });
    await this.untilShown();
    if (!this.mayAppend(incarnation)) {
      this.end();
      return null;
    }
    this.ledger.applied(readModel.position());
    const holds = (jobId: string) => this.lane.holds(jobId);
    const { intents, next } = await this.scan.idle(incarnation, BATCH, { pace: new Pace(clock), holds });
    this.lane.plan(intents.map((intent) => this.releases.act(intent, incarnation)));
    if (intents.length > 0) {
      await this.lane.settled(this.patienceMs, { flying: true });
      return clock.monotonic();
    }
    if (next === null) this.end();
    return next;
  }

  /** What was claimed before the drain began has to be seen to be given back. */
  private async untilShown(): Promise<void> {
    const newest = this.ledger.newest();
    if (newest === null) return;
    const { readModel, logger } = this.ports;
    const shown = readModel.waitFor(newest, this.patienceMs).catch((error: unknown) => {
      logger.debug('ownership.view-behind', { position: String(newest), detail: String(error) });
    });
    if (this.closed.aborted) return;
    await Promise.race([
      shown,
      new Promise<void>((resolve) => this.closed.addEventListener('abort', () => resolve(), { once: true })),
    ]);
  }
}
