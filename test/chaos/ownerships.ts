import { jobOf, type Evidence } from './evidence';

/** One epoch of a job, as the log tells it. Times are the log's, ms. */
export interface Ownership {
  readonly incarnation: string;
  readonly from: number;
  to: number;
  /** How it ended: by whose absence, or why it was given back; null: it has not. */
  ended: 'failed' | 'stopped' | 'marked' | 'drain' | 'given-back' | null;
  /** Two owners or more had died in the job since it had last succeeded: it waits for other suspects of its owner. */
  readonly suspect: boolean;
}

/** A run of a suspect: no other suspect runs in its process meanwhile. */
export interface SoleRun {
  readonly job: string;
  readonly from: number;
  to: number;
}

export interface Life {
  readonly serviceId: string;
  readonly pid: number;
  /** The silence that was asked for when it was judged; null: it was not. */
  thresholdMs: number | null;
}

export interface History {
  readonly ownerships: ReadonlyMap<string, readonly Ownership[]>;
  readonly lives: ReadonlyMap<string, Life>;
  /** By the incarnation in which they ran. */
  readonly soleRuns: ReadonlyMap<string, readonly SoleRun[]>;
}

const CRASHES_OF_A_SUSPECT = 2;
const ends: ReadonlySet<string> = new Set(['JobRunSucceeded', 'JobRunFailed', 'JobRunTimedOut', 'JobRunAbandoned']);

export function historyOf({ entries }: Pick<Evidence, 'entries'>): History {
  const ownerships = new Map<string, Ownership[]>();
  const lives = new Map<string, Life>();
  const soleRuns = new Map<string, SoleRun[]>();
  const crashes = new Map<string, number>();
  for (const entry of entries) {
    const { event, created } = entry;
    if (event.type === 'ServiceRegistered') {
      const { incarnation, serviceId, process } = event.data;
      lives.set(incarnation, { serviceId, pid: process.pid, thresholdMs: null });
    } else if (event.type === 'ServiceMarkedFailed' && event.data.by === 'observer') {
      const life = lives.get(event.data.incarnation);
      if (life) life.thresholdMs = event.data.evidence.thresholdMs;
    }
    const job = jobOf(entry);
    if (job === null) continue;
    const own = ownerships.get(job) ?? [];
    ownerships.set(job, own);
    if (event.type === 'JobRunSucceeded') crashes.delete(job);
    if (event.type === 'JobRunAbandoned' && event.data.reason === 'ownerFailed')
      crashes.set(job, (crashes.get(job) ?? 0) + 1);
    if (event.type === 'JobRunStarted' && event.data.soleSuspect === true) {
      const { incarnation } = event.data;
      soleRuns.set(incarnation, [...(soleRuns.get(incarnation) ?? []), { job, from: created, to: Infinity }]);
    }
    if (ends.has(event.type))
      for (const run of [...soleRuns.values()].flat()) if (run.job === job && run.to === Infinity) run.to = created;
    if (event.type === 'JobBoundToService') {
      const suspect = (crashes.get(job) ?? 0) >= CRASHES_OF_A_SUSPECT;
      own.push({ incarnation: event.data.incarnation, from: created, to: Infinity, ended: null, suspect });
    }
    const last = own.at(-1);
    if (last === undefined || last.ended !== null) continue;
    if (event.type === 'JobRequeued') Object.assign(last, { to: created, ended: event.data.cause });
    if (event.type === 'JobReleased')
      Object.assign(last, { to: created, ended: event.data.reason === 'drain' ? 'drain' : 'given-back' });
  }
  return { ownerships, lives, soleRuns };
}
