import { absentJob, evolve, statusOf, type BindingReason, type JobRecord, type JobState } from '../domain/job';
import type { EventStore, RecordedEvent } from '../event-store';
import { backwards, jobEvent, jobStream, takenAt, type AuditScope } from './job-stream';
import { whyWords } from './words';

/** A point in the life of a job: its own revision, a position of the log, or a time by the log's clock (ms since the epoch); all inclusive. */
export type AsOf = { readonly revision: number } | { readonly position: bigint } | { readonly time: number };

/** What a job was at a point. */
export interface StateAsOf {
  readonly jobId: string;
  /** The newest event up to that point; null: the job did not exist yet. */
  readonly at: { readonly revision: number; readonly position: bigint; readonly created: number } | null;
  readonly state: JobState;
  /** Who owned it then, and by which decision; null: nobody. */
  readonly owner: Owner | null;
  /** In plain English. */
  readonly words: string;
}

export interface Owner {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly epoch: number;
  /** Its JobBoundToService, as far as the stream still has it. */
  readonly bound: {
    readonly revision: number;
    readonly viewPosition: string;
    readonly why: BindingReason;
  } | null;
}

/**
 * The state of one job as it was: the fold of its events up to that point, from the newest closed books before it.
 * Rejects with `StoreUnavailableError`.
 */
export async function stateAsOf(
  store: EventStore,
  jobId: string,
  asOf: AsOf,
  scope: AuditScope = {},
): Promise<StateAsOf> {
  const stream = jobStream(jobId, scope);
  const revision = await lastRevision(store, stream, asOf);
  const events: RecordedEvent[] = [];
  if (revision >= 0) {
    for await (const event of backwards(store, stream, revision)) {
      events.push(event);
      // Books that cannot be read are skipped: what is before them says the same.
      if (event.type === 'JobBooksClosed' && jobEvent(event).type === 'JobBooksClosed') break;
    }
  }
  const newest = events[0];
  const state = events.reduceRight<JobState>(
    (folded, event) => evolve(folded, jobEvent(event), event.revision),
    absentJob,
  );
  const owner = await ownerOf(store, stream, state, revision);
  return {
    jobId,
    at:
      newest === undefined ? null : { revision: newest.revision, position: newest.position, created: takenAt(newest) },
    state,
    owner,
    words: stateWords(state, owner),
  };
}

/** The newest revision at or before the point; −1: none. Positions and times of a stream go up with its revisions, so halving finds it. */
async function lastRevision(store: EventStore, stream: string, asOf: AsOf): Promise<number> {
  const { events, head } = await store.readStream(stream, { direction: 'forwards', limit: 1 });
  const first = events[0];
  if (head === 'no_stream' || first === undefined) return -1;
  if ('revision' in asOf) return asOf.revision < first.revision ? -1 : Math.min(asOf.revision, head);
  const before = (event: RecordedEvent): boolean =>
    'position' in asOf ? event.position <= asOf.position : takenAt(event) <= asOf.time;
  if (!before(first)) return -1;
  let [known, beyond] = [first.revision, head + 1];
  while (beyond - known > 1) {
    const middle = Math.floor((known + beyond) / 2);
    const [event] = (await store.readStream(stream, { direction: 'forwards', from: middle, limit: 1 })).events;
    if (event !== undefined && before(event)) known = middle;
    else beyond = middle;
  }
  return known;
}

async function ownerOf(store: EventStore, stream: string, state: JobState, revision: number): Promise<Owner | null> {
  const record = recordOf(state);
  if (record?.ownership.kind !== 'bound') return null;
  const { serviceId, incarnation } = record.ownership;
  const owner = { serviceId, incarnation, epoch: record.epoch };
  for await (const recorded of backwards(store, stream, revision)) {
    const event = jobEvent(recorded);
    if (event.type !== 'JobBoundToService' || event.data.epoch !== record.epoch) continue;
    return {
      ...owner,
      bound: { revision: recorded.revision, viewPosition: event.data.viewPosition, why: event.data.why },
    };
  }
  return { ...owner, bound: null };
}

function recordOf(state: JobState): JobRecord | null {
  const known = state.stage === 'opaque' ? state.before : state;
  return known.stage === 'absent' ? null : known;
}

function stateWords(state: JobState, owner: Owner | null): string {
  if (state.stage === 'absent') return 'the job did not exist';
  const record = recordOf(state);
  const parts: string[] = [];
  if (state.stage === 'opaque') {
    const { revision, type, why } = state.unreadable;
    parts.push(`opaque since revision ${revision}: ${type} cannot be read here (${why}); before it:`);
  }
  if (record === null) return [...parts, 'nothing'].join(' ');
  parts.push(`${statusOf(record)}, epoch ${record.epoch}`);
  if (owner !== null) {
    const why = owner.bound === null ? '' : ` because ${whyWords(owner.bound.why)}`;
    parts.push(`owned by ${owner.serviceId} (incarnation ${owner.incarnation})${why}`);
  } else if (record.ownership.kind === 'unbound') {
    const { reason, detail, lastServiceId } = record.ownership;
    const last = lastServiceId === null ? '' : `, last at ${lastServiceId}`;
    parts.push(`owned by nobody (${detail === null ? reason : `${reason}: ${detail}`}${last})`);
  }
  parts.push(record.nextSlot === null ? 'no slot pending' : `next slot ${record.nextSlot}`);
  return parts.join('; ');
}
