import { SystemClock, type Clock, type Instant } from '../../clock';
import type { JsonValue, Slot } from '../../domain/job';
import type { HandlerDefinition } from '../../worker';

/** One entry of a handler, as a test sees it. What the log says of the run is `Queries` and `history`. */
export interface ObservedRun {
  readonly jobId: string;
  readonly handler: string;
  readonly payload: JsonValue;
  readonly slot: Slot;
  readonly attempt: number;
  readonly epoch: number;
  readonly fencingToken: number;
  readonly serviceId: string;
  /** When the handler was entered, by the virtual wall clock. */
  readonly enteredAt: Instant;
  /** When it settled; null while it runs, and for ever where its service was killed. */
  readonly settledAt: Instant | null;
  readonly outcome: 'running' | 'returned' | 'threw';
  /** What it threw. */
  readonly error: unknown;
}

interface Watched {
  run: ObservedRun;
  /** It was waited for long enough: time goes on although it runs. */
  passedOver: boolean;
  readonly settled: Promise<void>;
}

/** Stands around every handler: notes its runs, and lets a test wait for them in real time. */
export class ObservedRuns {
  private readonly watched: Watched[] = [];
  private readonly open = new Set<Watched>();
  private readonly real = new SystemClock();

  constructor(
    private readonly clock: Clock,
    private readonly patienceMs: number,
  ) {}

  all(): readonly ObservedRun[] {
    return this.watched.map(({ run }) => run);
  }

  /** The same handler, observed. */
  around(handler: HandlerDefinition): HandlerDefinition {
    return {
      ...handler,
      run: (payload, context) => {
        const { jobId, slot, attempt, epoch, fencingToken, serviceId } = context;
        const entered = { jobId, handler: handler.name, payload, slot, attempt, epoch, fencingToken, serviceId };
        const note = this.enter({
          ...entered,
          enteredAt: this.clock.wall(),
          settledAt: null,
          outcome: 'running',
          error: undefined,
        });
        try {
          const result = handler.run(payload, context);
          return Promise.resolve(result).then(
            (value) => (note('returned'), value),
            (error: unknown) => {
              note('threw', error);
              throw error;
            },
          );
        } catch (error) {
          note('threw', error);
          throw error;
        }
      },
    };
  }

  /**
   * Waits, in real time, for the handlers that run: each once, for at most the patience. One that does not settle by then waits for
   * something that only the test, or virtual time, will bring; it is not waited for again.
   */
  async settled(): Promise<void> {
    const awaited = this.awaited();
    if (awaited.length === 0) return;
    const stop = new AbortController();
    await Promise.race([
      Promise.all(awaited.map(({ settled }) => settled)),
      this.real.sleep(this.patienceMs, stop.signal),
    ]);
    stop.abort();
    for (const watched of awaited) watched.passedOver = true;
  }

  /** A handler runs that has not been waited for. */
  busy(): boolean {
    return this.awaited().length > 0;
  }

  private awaited(): readonly Watched[] {
    return this.open.size === 0 ? [] : [...this.open].filter(({ passedOver }) => !passedOver);
  }

  private enter(run: ObservedRun): (outcome: 'returned' | 'threw', error?: unknown) => void {
    let settle!: () => void;
    const watched: Watched = { run, passedOver: false, settled: new Promise((resolve) => (settle = resolve)) };
    this.watched.push(watched);
    this.open.add(watched);
    return (outcome, error) => {
      watched.run = { ...watched.run, outcome, error, settledAt: this.clock.wall() };
      this.open.delete(watched);
      settle();
    };
  }
}
