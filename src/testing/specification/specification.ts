import type { JobCommand, JobEvent, JobRefusal } from '../../domain/job';
import type { UnreadableEvent } from '../../domain/codec';

/** What was before: a fact of the log (also one that cannot be read), or a command whose decision makes the facts. */
export type Given = JobEvent | UnreadableEvent | JobCommand;

/** What must come of the command: exactly these events in this order; nothing; or a refusal. */
export type Expected =
  | { readonly kind: 'events'; readonly events: readonly [JobEvent, ...JobEvent[]] }
  | {
      readonly kind: 'nothing';
      /** The command id is known, and this is the revision of its first result. Absent: not looked at. */
      readonly knownRevision?: number;
    }
  | {
      readonly kind: 'refused';
      readonly code: JobRefusal['code'];
      /** The field that the refusal names. Absent: not looked at. */
      readonly field?: string;
    };

/** Given these facts, when this is asked, then exactly that. Plain data: a runner says whether it holds. */
export interface Specification {
  readonly name: string;
  readonly given: readonly Given[];
  readonly when: JobCommand;
  readonly then: Expected;
}

/** Before `when`. */
export interface GivenPart {
  /** More of what was before, in order: events and commands, mixed as one likes. */
  given(...before: readonly Given[]): GivenPart;
  /** What is asked. Its `at` is the time of the decision. */
  when(command: JobCommand): ThenPart;
}

/** After `when`. Each gives the whole specification. */
export interface ThenPart {
  /** Exactly these events, in this order, and nothing besides: no other event, no other field. */
  then(...events: readonly [JobEvent, ...JobEvent[]]): Specification;
  /** The command is accepted and adds no event. */
  thenNothing(more?: { readonly knownRevision?: number }): Specification;
  /** The command is refused with this code. */
  thenRefused(code: JobRefusal['code'], more?: { readonly field?: string }): Specification;
}

/**
 * Begins a specification of one job:
 *
 *     specification('a paused job starts nothing')
 *       .given(scheduled, bound, paused)
 *       .when({ kind: 'StartRun', serviceId, incarnation, epoch: 1, at, zoneData })
 *       .thenRefused('job-paused');
 *
 * The job is that of the first JobScheduled or ScheduleJob; where there is none, it is called `job`.
 */
export function specification(name: string): GivenPart {
  return givenPart(name, []);
}

function givenPart(name: string, given: readonly Given[]): GivenPart {
  return {
    given: (...before) => givenPart(name, [...given, ...before]),
    when: (when) => ({
      then: (...events) => ({ name, given, when, then: { kind: 'events', events } }),
      thenNothing: (more = {}) => ({ name, given, when, then: { kind: 'nothing', ...more } }),
      thenRefused: (code, more = {}) => ({ name, given, when, then: { kind: 'refused', code, ...more } }),
    }),
  };
}

/** An event that no process of this version can read; its type may be a known one. */
export function unreadableEvent(originalType = 'JobFromTheFuture'): UnreadableEvent {
  return { type: '$unreadable', originalType, why: 'its schema version is newer' };
}

/** The job that a specification is about. */
export function jobIdOf({ given, when }: Specification): string {
  for (const part of [...given, when]) {
    if ('kind' in part) {
      if (part.kind === 'ScheduleJob' || part.kind === 'DeclareJob') return part.jobId;
    } else if (part.type === 'JobScheduled') return part.data.jobId;
  }
  return 'job';
}
