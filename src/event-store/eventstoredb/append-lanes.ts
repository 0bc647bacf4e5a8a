import type { Clock } from '../../clock';
import type { AppendOptions, AppendOutcome } from '../port';

interface Waiting {
  readonly since: number;
  readonly send: () => Promise<AppendOutcome>;
  readonly answer: (outcome: AppendOutcome) => void;
}

/**
 * How many appends are under way at once. More do not go faster (64 take the server to its limit), and all that wait for the server wait
 * before
 * whatever is urgent.
 */
const MOST_UNDER_WAY = 64;

/**
 * Appends take turns: at most 64 are under way, the others wait here, in order. What is urgent does not wait, however many do.
 * What has waited longer than the time that an append is given was certainly not written.
 */
export class AppendLanes {
  private waiting: Waiting[] = [];
  private next = 0;
  private underWay = 0;
  private urgent = 0;
  private readonly idlers = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    private readonly patienceMs: number,
    private readonly mostUnderWay = MOST_UNDER_WAY,
  ) {}

  /** @param send never rejects. */
  run(lane: NonNullable<AppendOptions['lane']>, send: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
    if (lane === 'urgent') return this.runUrgent(send);
    return new Promise((answer) => {
      this.waiting.push({ since: this.clock.monotonic(), send, answer });
      this.goOn();
    });
  }

  /** Resolves when every append has its answer. */
  async idle(): Promise<void> {
    if (this.isIdle()) return;
    await new Promise<void>((resolve) => this.idlers.add(resolve));
  }

  private async runUrgent(send: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
    this.urgent++;
    try {
      return await send();
    } finally {
      this.urgent--;
      this.tellIdlers();
    }
  }

  private goOn(): void {
    const oldest = this.clock.monotonic() - this.patienceMs;
    while (this.next < this.waiting.length && this.underWay < this.mostUnderWay) {
      const { since, send, answer } = this.waiting[this.next++];
      if (since < oldest) answer({ outcome: 'unavailable', message: 'it was not sent: too many appends wait' });
      else void this.send(send, answer);
    }
    if (this.next === this.waiting.length || this.next > 1_024) {
      this.waiting = this.waiting.slice(this.next);
      this.next = 0;
    }
  }

  private async send(send: () => Promise<AppendOutcome>, answer: (outcome: AppendOutcome) => void): Promise<void> {
    this.underWay++;
    try {
      answer(await send());
    } finally {
      this.underWay--;
      this.goOn();
      this.tellIdlers();
    }
  }

  private isIdle(): boolean {
    return this.underWay === 0 && this.urgent === 0 && this.next === this.waiting.length;
  }

  private tellIdlers(): void {
    if (!this.isIdle()) return;
    for (const idler of this.idlers) idler();
    this.idlers.clear();
  }
}
