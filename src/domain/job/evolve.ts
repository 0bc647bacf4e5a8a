import type { UnreadableEvent } from '../unreadable';
import type { Instant } from '../instant';
import { canonical } from './canonical';
import type { JobDefinition } from './definition';
import type { Declaration, JobEvent, JobScheduled, ReleaseReason } from './events';
import {
  abandoned,
  attemptEnded,
  closed,
  failed,
  givenUp,
  later,
  moved,
  outlasted,
  refused,
  started,
  succeeded,
  withPending,
  withoutSpentBacklog,
} from './evolve-runs';
import type { AbsentJob, AppliedDeclaration, HeldSlot, JobRecord, JobState, OpaqueJob, Ownership } from './state';

/** A stream without an event. */
export const absentJob: AbsentJob = { stage: 'absent', revision: -1 };

/** Version of the state that JobBooksClosed carries. */
export const BOOKS_SCHEMA = 1;

const KEPT_COMMANDS = 64;
const MOST_COMMANDS = 1_000;
const COMMAND_WINDOW_MS = 86_400_000;
const KEPT_DECLARATIONS = 64;
const HOME_WINDOW_MS = 3_600_000;

/**
 * The state after one more event. `revision` is that of the event in its stream.
 *
 * It never refuses: what stands in the log has happened. Whether it should have is asked by the invariants.
 */
export function evolve(state: JobState, event: JobEvent | UnreadableEvent, revision: number): JobState {
  if (event.type === '$unreadable') return unreadable(state, event, revision);
  if (event.type === 'JobBooksClosed') return { ...event.data.state, revision, booksRevision: revision };
  if (state.stage === 'opaque') return opaque(state, event, revision);
  if (event.type === 'JobScheduled') return scheduled(state, event, revision);
  if (state.stage === 'absent') return missingBeginning(event.type, revision);
  const next = apply(state, event, revision);
  const { commandId, at } = event.data;
  return commandId === undefined ? next : { ...next, commands: remember(next.commands, commandId, revision, at) };
}

/** The state after all of them; the first has revision `from`. */
export function fold(events: readonly (JobEvent | UnreadableEvent)[], from = 0, state: JobState = absentJob): JobState {
  return events.reduce<JobState>((folded, event, index) => evolve(folded, event, from + index), state);
}

/** Books change nothing, so books that cannot be read hide nothing: the events before them tell the same. */
function unreadable(state: JobState, event: UnreadableEvent, revision: number): JobState {
  if (state.stage === 'opaque') return { ...state, revision };
  if (event.originalType === 'JobBooksClosed' && state.stage !== 'absent') return { ...state, revision };
  return {
    stage: 'opaque',
    revision,
    unreadable: { revision, type: event.originalType, why: event.why },
    before: state,
  };
}

/** Of what cannot be read, only that late outcomes were recorded is kept: once per run. */
function opaque(state: OpaqueJob, event: JobEvent, revision: number): OpaqueJob {
  const { before } = state;
  if (event.type !== 'JobRunOutcomeRefused' || before.stage === 'absent') return { ...state, revision };
  return { ...state, revision, before: refused(before, event) };
}

function missingBeginning(type: string, revision: number): JobState {
  const why = 'the stream does not begin with JobScheduled';
  return { stage: 'opaque', revision, unreadable: { revision, type, why }, before: absentJob };
}

function scheduled(state: AbsentJob | JobRecord, { data }: JobScheduled, revision: number): JobRecord {
  const former = state.stage === 'absent' ? null : state;
  const commands = former?.commands ?? [];
  return {
    stage: 'live',
    jobId: data.jobId,
    revision,
    definition: data.definition,
    definitionHash: data.definitionHash,
    definitionRevision: revision,
    anchor: data.anchor,
    scheduledAt: data.at,
    epoch: former?.epoch ?? 0,
    ownership: {
      kind: 'unbound',
      since: data.at,
      reason: former ? 'renewed' : 'scheduled',
      lastServiceId: former ? lastServiceOf(former.ownership) : null,
      target: null,
      detail: null,
    },
    paused: false,
    held: null,
    nextSlot: data.nextSlot,
    // A renewed job must not start a slot that its former life has accounted for.
    accountedThrough: former?.accountedThrough ?? null,
    slotsCounted: 0,
    zoneData: data.zoneData,
    ...(data.nextDueAt !== undefined && { nextDueAt: data.nextDueAt }),
    inProgress: [],
    requested: [],
    crashes: [],
    closedRuns: former?.closedRuns ?? [],
    lastOutcome: former?.lastOutcome ?? null,
    ending: false,
    homeReturns: former?.homeReturns ?? [],
    commands: data.commandId === undefined ? commands : remember(commands, data.commandId, revision, data.at),
    booksRevision: former?.booksRevision ?? -1,
    ...declared(former, data.declaration),
  };
}

/** A declaration replaces the one before it; without one, that stays in force. */
function declared(
  former: JobRecord | null,
  declaration: Declaration | undefined,
): { readonly declaration?: AppliedDeclaration } {
  const before = former?.declaration;
  if (declaration === undefined) return before === undefined ? {} : { declaration: before };
  const { hash, source } = declaration;
  const replaced = before === undefined ? [] : [...before.replaced, before.hash];
  return {
    declaration: { hash, source, replaced: replaced.filter((other) => other !== hash).slice(-KEPT_DECLARATIONS) },
  };
}

/** Releases after which the job rests where it has come to (`movedAt`). */
const movedFor: ReadonlySet<ReleaseReason> = new Set(['rebalance', 'late', 'moved']);

type Later = Exclude<JobEvent, { type: 'JobScheduled' | 'JobBooksClosed' }>;

function apply(record: JobRecord, event: Later, revision: number): JobRecord {
  const state = { ...record, revision };
  const { at } = event.data;
  switch (event.type) {
    case 'JobRescheduled': {
      const { definition, definitionHash, anchor } = event.data;
      // The same schedule goes on, so its slots stay counted; another one counts from the beginning.
      const same = sameSchedule(state.definition, definition);
      const slotsCounted = same ? state.slotsCounted : 0;
      // Another policy holds at once, also for what is to be made up for.
      const { backlog, ...rest } = state;
      const kept = backlog !== undefined && same && sameMisfire(state.definition, definition);
      return {
        // The slot of a schedule that stays was not computed anew.
        ...(same ? moved(rest, event.data) : withPending(rest, event.data)),
        ...(kept && { backlog }),
        definition,
        definitionHash,
        anchor,
        definitionRevision: revision,
        slotsCounted,
        ...declared(state, event.data.declaration),
      };
    }
    case 'JobNextSlotRecomputed':
      return withPending(state, event.data);
    case 'JobEndSet':
      return withoutSpentBacklog({ ...moved(state, event.data), ending: true });
    case 'JobRunRequested':
      return { ...state, requested: [...state.requested, { slot: event.data.slot, at }] };
    case 'JobBoundToService': {
      const { epoch, serviceId, incarnation } = event.data;
      return { ...state, epoch, ownership: { kind: 'bound', since: at, serviceId, incarnation } };
    }
    case 'JobSlotsSkipped': {
      const after = givenUp(state, event);
      if (after !== null) return after;
      const { slots, to, count, reason } = event.data;
      return withoutSpentBacklog({
        ...moved(state, event.data),
        accountedThrough: later(state.accountedThrough, to),
        slotsCounted: state.slotsCounted + (to === null ? 0 : count),
        inProgress: outlasted(state.inProgress, reason),
        requested: slots.length === 0 ? state.requested : state.requested.filter((r) => !slots.includes(r.slot)),
      });
    }
    case 'JobRunStarted':
      return started(state, event, revision);
    case 'JobRunSucceeded':
      return succeeded(state, event);
    case 'JobRunFailed':
    case 'JobRunTimedOut':
      return failed(state, event);
    case 'JobRunAbandoned':
      return abandoned(state, event);
    case 'JobRunOutcomeRefused':
      return refused(state, event);
    case 'JobReleased': {
      const { reason, target, serviceId } = event.data;
      const returned =
        reason === 'home'
          ? [...state.homeReturns.filter((t) => t > at - HOME_WINDOW_MS), at].slice(-16)
          : state.homeReturns;
      return {
        ...state,
        homeReturns: returned,
        ...(movedFor.has(reason) && { movedAt: at }),
        ownership: { kind: 'unbound', since: at, reason, lastServiceId: serviceId, target, detail: null },
      };
    }
    case 'JobRequeued': {
      const { fromServiceId, cause, nobody } = event.data;
      const reason = nobody === null ? cause : 'nobody';
      return {
        ...state,
        ownership: { kind: 'unbound', since: at, reason, lastServiceId: fromServiceId, target: null, detail: nobody },
      };
    }
    case 'JobHeld':
      return holds(state, { slot: event.data.slot, attempt: event.data.attempt });
    case 'JobHoldResolved': {
      const { resolution, slot } = event.data;
      const after = nextHeld(moved(state, event.data));
      if (resolution === 'retry') return after;
      const attempt = state.held?.attempt ?? 0;
      return {
        ...after,
        inProgress: after.inProgress.filter((s) => s.slot !== slot),
        crashes: resolution === 'succeeded' ? [] : after.crashes,
        ...(resolution === 'fail'
          ? attemptEnded(state, { slot, attempt }, 'failed', at, event.data.reason)
          : attemptEnded(state, { slot, attempt }, 'succeeded', at, null)),
      };
    }
    case 'JobQuarantined':
      return { ...state, stage: 'quarantined', ownership: unbound(state.ownership, at, 'quarantine') };
    case 'JobReleasedFromQuarantine':
      return { ...state, stage: 'live', crashes: [], ownership: unbound(state.ownership, at, 'quarantine') };
    case 'JobPaused':
      return { ...state, paused: true };
    case 'JobResumed': {
      const { backlog: _owed, ...rest } = state;
      const { backlog } = event.data;
      return { ...moved(rest, event.data), paused: false, ...(backlog !== undefined && { backlog }) };
    }
    case 'JobCompleted':
      return ended(state, 'completed', at);
    case 'JobCancelled':
      return ended(state, 'cancelled', at);
    case 'JobRemoved':
      return ended(state, 'removed', at);
    default: {
      const unknown: never = event;
      return unknown;
    }
  }
}

function holds(state: JobRecord, slot: HeldSlot): JobRecord {
  if (state.held === null) return { ...state, held: slot };
  return { ...state, heldNext: [...(state.heldNext ?? []), slot] };
}

function nextHeld(state: JobRecord): JobRecord {
  const { heldNext = [], ...rest } = state;
  const [held = null, ...further] = heldNext;
  return { ...rest, held, ...(further.length > 0 && { heldNext: further }) };
}

function ended(record: JobRecord, stage: 'completed' | 'cancelled' | 'removed', at: Instant): JobRecord {
  // No terminal job has an open run. Should a log say so all the same, its late outcome must find the run closed.
  const open = record.inProgress.flatMap((s) => (s.run === null ? [] : [s.run]));
  const {
    heldNext: _judged,
    backlog: _owed,
    ...state
  } = open.reduce((folded, run) => closed(folded, run, 'cancelled'), record);
  return {
    ...withPending(state, { nextSlot: null, zoneData: state.zoneData }),
    stage,
    ownership: unbound(state.ownership, at, 'ended'),
    inProgress: [],
    requested: [],
    held: null,
  };
}

function unbound(ownership: Ownership, at: Instant, reason: 'quarantine' | 'ended'): Ownership {
  return { kind: 'unbound', since: at, reason, lastServiceId: lastServiceOf(ownership), target: null, detail: null };
}

function lastServiceOf(ownership: Ownership): string | null {
  return ownership.kind === 'bound' ? ownership.serviceId : ownership.lastServiceId;
}

/** The same slots: a definition that keeps its schedule keeps its anchor, its pending slot and its count. */
export function sameSchedule(a: JobDefinition, b: JobDefinition): boolean {
  return canonical(a.schedule) === canonical(b.schedule);
}

export function sameMisfire(a: JobDefinition, b: JobDefinition): boolean {
  return canonical(a.policies.misfire) === canonical(b.policies.misfire);
}

/** All of the last 24 h by event time, or the last 64, at most 1,000. Events of one append share an entry: its revision is the last one's. */
function remember(known: JobRecord['commands'], id: string, revision: number, at: Instant): JobRecord['commands'] {
  const others = known.at(-1)?.id === id ? known.slice(0, -1) : known;
  const all = [...others, { id, revision, at }];
  if (all.length <= KEPT_COMMANDS) return all;
  const recent = all.findIndex((c) => c.at > at - COMMAND_WINDOW_MS);
  return all.slice(Math.max(Math.min(recent, all.length - KEPT_COMMANDS), all.length - MOST_COMMANDS, 0));
}
