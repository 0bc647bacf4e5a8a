import type { Clock, Timer } from '../../clock';

/**
 * How long the caller of one command waits, and how certain its outcome is.
 * Once it is over nothing new is appended for this command; what was sent already goes on to be settled.
 */
export class Patience {
  private controller: AbortController | null = null;
  private ended = false;
  private readonly timer: Timer | null;
  /** An append was sent and has no definite answer. */
  uncertain = false;

  constructor(
    clock: Clock,
    timeoutMs: number,
    private readonly onOver: (why: 'timeout' | 'closed') => void,
  ) {
    this.timer = Number.isFinite(timeoutMs)
      ? clock.setTimer(timeoutMs, () => this.end('timeout'), { name: 'command-timeout' })
      : null;
  }

  /** Aborts when the caller no longer waits. */
  get signal(): AbortSignal {
    // Few commands ever wait for something that must be given up: the signal is made when it is first asked for.
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.ended) this.controller.abort();
    }
    return this.controller.signal;
  }

  get over(): boolean {
    return this.ended;
  }

  end(why: 'timeout' | 'closed'): void {
    if (this.over) return;
    this.timer?.cancel();
    this.ended = true;
    this.controller?.abort();
    this.onOver(why);
  }

  /** The command has its answer. */
  settle(): void {
    this.timer?.cancel();
  }
}

/** Thrown inside an execution whose caller was answered already; nobody sees it. */
export class NoLongerAwaited extends Error {
  override readonly name = 'NoLongerAwaited';
}
