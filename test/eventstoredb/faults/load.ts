import type { Clock, EventStore, Random } from 'holdfast';
import type { Gaps } from './gaps';

/** An append that was acknowledged: the event, and where the answer said that it is. */
interface Acknowledged {
  readonly id: string;
  readonly revision: number;
  readonly position: bigint;
}

export interface LoadCounts {
  acknowledged: number;
  /** Answers after which the identical append was sent again. */
  unknown: number;
  unavailable: number;
  /** Nobody else writes these streams: any is a mistake. */
  conflicts: number;
}

/** Between an answer that is not definite and the next try, ms; doubled to the longest. */
const FIRST_REST_MS = 20;
const LONGEST_REST_MS = 320;

/**
 * So many writers, each with a stream of its own: one event after the other at the exact revision. An append without a definite answer is sent
 * again, identically, until there is one.
 */
export class Load {
  readonly counts: LoadCounts = { acknowledged: 0, unknown: 0, unavailable: 0, conflicts: 0 };
  /** By stream, in the order of revisions. */
  readonly acknowledged = new Map<string, Acknowledged[]>();
  private stopping = false;
  private writers: Promise<void>[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly accepted: Gaps,
  ) {}

  start(writers: number): void {
    this.writers = Array.from({ length: writers }, (_, n) => this.write(`load-${n}`));
  }

  /** Resolves when the last append of each has its definite answer. */
  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.writers);
  }

  private async write(stream: string): Promise<void> {
    const own: Acknowledged[] = [];
    this.acknowledged.set(stream, own);
    const filler = 'x'.repeat(180);
    while (!this.stopping) {
      const id = this.random.uuid(this.clock.wall());
      const event = { id, type: 'Loaded', data: JSON.stringify({ n: own.length, filler }), metadata: '{}' };
      const expected = own.length === 0 ? 'no_stream' : own.length - 1;
      for (let rest = FIRST_REST_MS; ; rest = Math.min(LONGEST_REST_MS, rest * 2)) {
        const answer = await this.store.append(stream, expected, [event]);
        if (answer.outcome === 'appended') {
          own.push({ id, revision: answer.revision, position: answer.position });
          this.counts.acknowledged++;
          this.accepted.took();
          break;
        }
        if (answer.outcome === 'conflict' || answer.outcome === 'refused') {
          this.counts.conflicts++;
          console.error(`${stream} at ${expected}: ${JSON.stringify(answer)}`);
          return;
        }
        this.counts[answer.outcome]++;
        await this.clock.sleep(rest * (0.5 + this.random.next() / 2));
      }
    }
  }
}

/** What the log has of what was acknowledged. */
export interface Found {
  /** Acknowledged, and not there where the answer said. */
  readonly lost: number;
  /** Events of the load that are in the log more than once, or without having been acknowledged at the end. */
  readonly doubled: number;
  readonly inLog: number;
}

export async function compare(store: EventStore, load: Load): Promise<Found> {
  const inLog = new Map<string, { id: string; position: bigint }[]>();
  for (let after: bigint | 'start' = 'start'; ;) {
    const slice = await store.readAll({ after, categories: ['load'], limit: 5_000 });
    for (const { stream, id, revision, position } of slice.events) {
      const events = inLog.get(stream) ?? [];
      inLog.set(stream, events);
      if (revision !== events.length)
        throw new Error(`${stream}: revision ${revision} comes after ${events.length - 1}`);
      events.push({ id, position });
    }
    if (slice.position === 'start' || slice.end) break;
    after = slice.position;
  }
  let [lost, doubled, all] = [0, 0, 0];
  for (const [stream, acknowledged] of load.acknowledged) {
    const events = inLog.get(stream) ?? [];
    all += events.length;
    for (const { id, revision, position } of acknowledged) {
      const found = events.at(revision);
      if (found?.id !== id || found.position !== position) lost++;
    }
    const known = new Set(acknowledged.map(({ id }) => id));
    const seen = new Set<string>();
    for (const { id } of events) {
      if (seen.has(id) || !known.has(id)) doubled++;
      seen.add(id);
    }
  }
  return { lost, doubled, inLog: all };
}
