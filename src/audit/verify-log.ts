import type { Clock } from '../clock';
import { originOf } from '../domain/codec';
import { LogChecker, type Violation } from '../domain/invariants';
import type { EventStore, LogIdentity, LogPosition } from '../event-store';
import { decoded, prefixOf, takenAt, type AuditScope } from './job-stream';
import { wordsOf } from './words';

const PAGE = 1_000;

export interface VerifyOptions extends AuditScope {
  /** Called after each part of the log. */
  readonly onProgress?: (progress: VerifyProgress) => void;
  /** Lets others run between parts: give it where other work shares the process. */
  readonly clock?: Pick<Clock, 'yield'>;
  /** Violations and unreadable events listed in the report; the rest is counted only. Default 1,000. */
  readonly maxListed?: number;
  /** So many events of the stream before a violation, and so many after it, are shown with it. Default 2; 0: none. */
  readonly neighbours?: number;
}

export interface VerifyProgress {
  readonly events: number;
  readonly position: LogPosition;
  /** Where it ends: the head of the log when it began. */
  readonly head: LogPosition;
  readonly violations: number;
}

export interface UnreadableFound {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly type: string;
  readonly why: string;
}

/** One event of the stream in which a rule is broken. */
export interface NeighbourOfViolation {
  readonly revision: number;
  readonly position: bigint;
  /** When the log took it, ms since the epoch; of a copied event: when that log took it. */
  readonly created: number;
  readonly eventId: string;
  readonly type: string;
  /** Plain English, without any payload. */
  readonly words: string;
  /** It is the one that breaks the rule. */
  readonly breaks: boolean;
}

/** A broken rule, and what stands around it. */
export interface ViolationFound extends Violation {
  /** The event that breaks it among its neighbours in the stream, the oldest first. */
  readonly neighbours: readonly NeighbourOfViolation[];
}

/** What a log holds, and what in it breaks which rule. */
export interface VerifyReport {
  readonly log: LogIdentity;
  /** Events of jobs, services and heartbeats that were checked. */
  readonly events: number;
  readonly jobs: number;
  /** Everything up to here was checked. */
  readonly position: LogPosition;
  /** In log order; at most `maxListed`. Empty: the log is sound. */
  readonly violations: readonly ViolationFound[];
  readonly violationCount: number;
  /** Events that this release cannot read: their jobs were not judged from there on. No violation. At most `maxListed`. */
  readonly unreadable: readonly UnreadableFound[];
  readonly unreadableCount: number;
}

/**
 * Checks a whole log against the invariants, from the beginning to the head that it has now; services may go on writing.
 * Reads it once, in parts. Rejects with `StoreUnavailableError`.
 */
export async function verifyLog(store: EventStore, options: VerifyOptions = {}): Promise<VerifyReport> {
  const { namespace = '', onProgress, clock, maxListed = 1_000, neighbours = 2 } = options;
  const prefix = prefixOf(namespace);
  const categories = ['job', 'service', 'heartbeat'].map((category) => `${prefix}${category}`);
  const checker = new LogChecker({ namespace });
  const listed: Violation[] = [];
  const unreadable: UnreadableFound[] = [];
  let [events, violationCount, unreadableCount] = [0, 0, 0];
  const take = (found: readonly Violation[]): void => {
    violationCount += found.length;
    if (found.length > 0) listed.push(...found.slice(0, Math.max(0, maxListed - listed.length)));
  };
  const log = await store.identity();
  // An append is in the log as a whole or not at all, so this head ends no append half-way.
  const head = await store.head();
  let position: LogPosition = 'start';
  while (head !== 'start' && (position === 'start' || position < head)) {
    const slice = await store.readAll({ after: position, categories, limit: PAGE });
    for (const recorded of slice.events) {
      if (recorded.position > head) break;
      const event = decoded(recorded);
      const { stream, revision, id } = recorded;
      const origin = originOf(recorded.metadata);
      const created = origin?.created ?? recorded.created;
      events += 1;
      if (event.type === '$unreadable') {
        unreadableCount += 1;
        const { originalType: type, why } = event;
        if (unreadable.length < maxListed)
          unreadable.push({ stream, revision, position: recorded.position, type, why });
      }
      take(checker.check({ stream, revision, position: recorded.position, created, id, event, origin }));
    }
    const reached = slice.end || slice.position === 'start' || slice.position > head ? head : slice.position;
    position = reached;
    onProgress?.({ events, position, head, violations: violationCount });
    await clock?.yield();
  }
  take(checker.finish());
  // What the end shows is about events before it.
  listed.sort((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : 0));
  const violations = await withNeighbours(store, listed, neighbours);
  return { log, events, jobs: checker.jobs, position, violations, violationCount, unreadable, unreadableCount };
}

/** Read afterwards, so that a sound log costs nothing: a page of the stream per violation. */
async function withNeighbours(
  store: EventStore,
  violations: readonly Violation[],
  count: number,
): Promise<ViolationFound[]> {
  const found: ViolationFound[] = [];
  for (const violation of violations) {
    const { stream, revision } = violation;
    if (count <= 0) {
      found.push({ ...violation, neighbours: [] });
      continue;
    }
    const from = Math.max(0, revision - count);
    const limit = revision - from + count + 1;
    const { events } = await store.readStream(stream, { direction: 'forwards', from, limit });
    const neighbours = events
      // Of a stream that was cut, or that has gaps, later ones come.
      .filter((event) => event.revision <= revision + count)
      .map((event) => ({
        revision: event.revision,
        position: event.position,
        created: takenAt(event),
        eventId: event.id,
        type: event.type,
        words: wordsOf(decoded(event)),
        breaks: event.revision === revision,
      }));
    found.push({ ...violation, neighbours });
  }
  return found;
}
