import type { RecordedEvent } from '../event-store';

/** Text of the events that a window holds, in bytes; and how many events. */
const WINDOW_BYTES = 48 * 1_048_576;
const WINDOW_EVENTS = 262_144;
/** Ids are sorted in runs of so many, so that sorting never takes long at a time. */
const RUN = 4_096;

/**
 * The events of many jobs in a compact form, each job's in order: so that a job is looked up, folded and written once for all of them.
 * Their texts lie side by side in memory outside the JavaScript heap, which is given back as a whole.
 */
export class EventWindow {
  private bytes: Buffer;
  private readonly ends: Uint32Array;
  private readonly dataEnds: Uint32Array;
  private readonly revisions: Float64Array;
  private readonly positions: BigInt64Array;
  private readonly typeNumbers: Uint16Array;
  /** The same job's next event; 0: none. */
  private readonly following: Uint32Array;
  private readonly types: string[] = [];
  private readonly typeNumberOf = new Map<string, number>();
  /** Of each job its first and its last event. */
  private jobs = new Map<string, { readonly first: number; last: number }>();
  private count = 0;

  constructor(
    private readonly capacity: { readonly bytes: number; readonly events: number } = {
      bytes: WINDOW_BYTES,
      events: WINDOW_EVENTS,
    },
  ) {
    const { bytes, events } = capacity;
    this.bytes = Buffer.allocUnsafeSlow(bytes);
    // The n-th event has index n; what it begins with is the end of the one before it.
    this.ends = new Uint32Array(events + 1);
    this.dataEnds = new Uint32Array(events + 1);
    this.revisions = new Float64Array(events + 1);
    this.positions = new BigInt64Array(events + 1);
    this.typeNumbers = new Uint16Array(events + 1);
    this.following = new Uint32Array(events + 1);
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Takes one more event of a job; false: there is no room for it until the window has been cleared. An empty window has room for any event. */
  add(jobId: string, { type, data, metadata, revision, position }: RecordedEvent): boolean {
    const start = this.ends[this.count];
    // A UTF-16 unit takes three bytes at most.
    if (this.count === this.capacity.events || start + 3 * (data.length + metadata.length) > this.capacity.bytes)
      return this.count === 0 && this.tooLarge(jobId);
    const n = ++this.count;
    const dataEnd = start + this.bytes.write(data, start);
    this.dataEnds[n] = dataEnd;
    this.ends[n] = dataEnd + this.bytes.write(metadata, dataEnd);
    this.revisions[n] = revision;
    this.positions[n] = position;
    this.typeNumbers[n] = this.numberOf(type);
    this.following[n] = 0;
    const job = this.jobs.get(jobId);
    if (job === undefined) this.jobs.set(jobId, { first: n, last: n });
    else {
      this.following[job.last] = n;
      job.last = n;
    }
    return true;
  }

  /** The jobs of the window by id. `null` stands between pieces of work: a good moment to let others have their turn. */
  *ids(): Generator<string | null> {
    const runs: { readonly ids: string[]; next: number }[] = [];
    let run: string[] = [];
    const close = () => runs.push({ ids: run.sort(), next: 0 });
    for (const id of this.jobs.keys()) {
      run.push(id);
      if (run.length < RUN) continue;
      close();
      run = [];
      yield null;
    }
    close();
    for (;;) {
      let first: (typeof runs)[number] | null = null;
      for (const one of runs) {
        if (one.next === one.ids.length) continue;
        if (first === null || one.ids[one.next] < first.ids[first.next]) first = one;
      }
      if (first === null) return;
      yield first.ids[first.next++];
    }
  }

  /** The events of a job, in order. `id` and `created` are not kept. */
  *eventsOf(jobId: string, stream: string): Generator<RecordedEvent> {
    for (let n = this.jobs.get(jobId)?.first ?? 0; n !== 0; n = this.following[n]) {
      yield {
        stream,
        revision: this.revisions[n],
        position: this.positions[n],
        type: this.types[this.typeNumbers[n]],
        data: this.bytes.toString('utf8', this.ends[n - 1], this.dataEnds[n]),
        metadata: this.bytes.toString('utf8', this.dataEnds[n], this.ends[n]),
        id: '',
        created: 0,
      };
    }
  }

  clear(): void {
    this.jobs = new Map();
    this.count = 0;
  }

  /** Gives the memory back. Nothing can be added any more. */
  release(): void {
    this.clear();
    this.bytes = Buffer.alloc(0);
  }

  private numberOf(type: string): number {
    let number = this.typeNumberOf.get(type);
    if (number === undefined) {
      number = this.types.push(type) - 1;
      this.typeNumberOf.set(type, number);
    }
    return number;
  }

  private tooLarge(jobId: string): never {
    throw new RangeError(`An event of job ${jobId} is larger than the ${this.capacity.bytes} bytes of a window.`);
  }
}
