import { SeededRandom, type VirtualClock } from '../../src/clock';
import {
  MemoryEventStore,
  StoreUnavailableError,
  type AppendOutcome,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type ReadStreamOptions,
  type StreamSlice,
} from '../../src/event-store';

/**
 * What happens to one append:
 * - `ok`: as the store has it;
 * - `landed`: it is written, the answer is lost;
 * - `lost`: it is not written, the answer is lost;
 * - `ghost`: the answer is lost, and it reaches the store only when `releaseGhosts` is called;
 * - `unavailable`: certainly not written;
 * - a function: runs first (a rival's append, say), then as it answers.
 */
export type Fault = 'ok' | 'landed' | 'lost' | 'ghost' | 'unavailable' | (() => Promise<Fault>);

/** A memory store whose appends and reads go wrong by a script. */
export class ScriptedStore {
  readonly memory: MemoryEventStore;
  readonly appends: { readonly stream: string; readonly expected: ExpectedRevision; readonly ids: string }[] = [];
  reads = 0;
  /** Next appends go like this, one each; then all are `ok`. */
  script: Fault[] = [];
  /** Asked for each append when the script has ended. */
  otherwise: () => Fault = () => 'ok';
  /** So many reads fail. */
  failingReads = 0;
  /** So many reads answer as if the last event were not there yet. */
  staleReads = 0;
  private readonly ghosts: (() => Promise<AppendOutcome>)[] = [];

  constructor(clock: VirtualClock, seed = 1) {
    this.memory = new MemoryEventStore({ clock, random: new SeededRandom(seed) });
  }

  /** The port that the executor gets. */
  port(): EventStore {
    return new Proxy<EventStore>(this.memory, {
      get: (memory, name, receiver) => {
        if (name === 'append') return this.append.bind(this);
        if (name === 'readStream') return this.readStream.bind(this);
        const member: unknown = Reflect.get(memory, name, receiver);
        return typeof member === 'function' ? (member.bind(memory) as unknown) : member;
      },
    });
  }

  async releaseGhosts(): Promise<readonly AppendOutcome[]> {
    return Promise.all(this.ghosts.splice(0).map((ghost) => ghost()));
  }

  private async append(
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendOutcome> {
    this.appends.push({ stream, expected, ids: events.map((e) => e.id).join() });
    const unknown: AppendOutcome = { outcome: 'unknown', message: 'no answer' };
    const write = (): Promise<AppendOutcome> => this.memory.append(stream, expected, events);
    let fault = this.script.shift() ?? this.otherwise();
    while (typeof fault === 'function') fault = await fault();
    switch (fault) {
      case 'ok':
        return write();
      case 'landed':
        await write();
        return unknown;
      case 'lost':
        return unknown;
      case 'ghost':
        this.ghosts.push(write);
        return unknown;
      case 'unavailable':
        return { outcome: 'unavailable', message: 'down' };
    }
  }

  private async readStream(stream: string, options: ReadStreamOptions): Promise<StreamSlice> {
    this.reads += 1;
    if (this.failingReads > 0) {
      this.failingReads -= 1;
      throw new StoreUnavailableError('down');
    }
    const slice = await this.memory.readStream(stream, options);
    if (this.staleReads === 0 || slice.head === 'no_stream') return slice;
    this.staleReads -= 1;
    const { head } = slice;
    return {
      events: slice.events.filter((event) => event.revision < head),
      head: head === 0 ? 'no_stream' : head - 1,
    };
  }
}
