import { SystemClock, type SeededRandom } from '../../clock';

/** Something that will happen, unless it is cancelled before. */
export interface Step {
  readonly at: number;
  cancelled: boolean;
}

interface Entry extends Step {
  readonly tie: number;
  readonly order: number;
  run: (() => void) | null;
}

/** Turns of the real event loop that are asked for at once: Node takes them one by one, but looks for the machine's own events only after the last. */
const TURNS = 64;

/**
 * True time of a simulated world, and everything that will happen in it, in one order: by time, and what happens at the same time by the seed.
 *
 * After each step everything that needs no time is let run to its end: one immediate of the real event loop, before which Node runs all microtasks
 * (and what they make ready), however long their chain. Nothing of a simulated service waits for anything else than a step, so that is exact.
 */
export class Scheduler {
  /** ms of true time since the beginning (fractional). */
  now = 0;
  /** Steps that were taken. */
  steps = 0;
  private readonly heap: Entry[] = [];
  private order = 0;
  private readonly real = new SystemClock();

  /** @param broken told what a step has thrown: in production it would have ended its process. */
  constructor(
    private readonly random: SeededRandom,
    private readonly broken: (error: unknown) => void,
  ) {}

  /** `run` is called at that time; never within the call that asks for it. */
  at(time: number, run: () => void): Step {
    const at = Math.max(time, this.now);
    const entry: Entry = { at, tie: this.random.next(), order: this.order++, run, cancelled: false };
    this.push(entry);
    return entry;
  }

  after(delayMs: number, run: () => void): Step {
    return this.at(this.now + delayMs, run);
  }

  cancel(step: Step): void {
    step.cancelled = true;
    (step as Entry).run = null;
  }

  /** Takes steps until that time, or until `stop` says so. */
  async runUntil(time: number, stop: () => boolean = () => false): Promise<void> {
    let turns: Promise<void>[] = [];
    const turn = () => {
      if (turns.length === 0) turns = Array.from({ length: TURNS }, () => this.real.yield());
      return turns.shift();
    };
    await turn();
    while (!stop()) {
      const entry = this.peek();
      if (entry === null || entry.at > time) {
        this.now = Math.max(this.now, time);
        return;
      }
      this.pop();
      this.now = entry.at;
      this.steps++;
      const { run } = entry;
      entry.run = null;
      try {
        run?.();
      } catch (error) {
        this.broken(error);
      }
      await turn();
    }
  }

  /** The next one that was not cancelled. */
  private peek(): Entry | null {
    while (this.heap.length > 0 && this.heap[0].cancelled) this.pop();
    return this.heap[0] ?? null;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.length;
    heap.push(entry);
    while (index > 0) {
      const parent = (index - 1) >>> 1;
      if (!before(entry, heap[parent])) break;
      heap[index] = heap[parent];
      index = parent;
    }
    heap[index] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], last)) break;
      heap[index] = heap[child];
      index = child;
    }
    heap[index] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.tie !== b.tie ? a.tie < b.tie : a.order < b.order;
}
