import type { UnreadableEvent } from '../unreadable';
import type { Instant } from '../instant';
import type { Slot } from './definition';
import {
  instantOfSlot,
  type JobEvent,
  type JobRunAbandoned,
  type JobRunStarted,
  type JobScheduled,
  type RunRef,
} from './events';
import type { AbsentJob, ClosedRun, JobRecord, JobState, LastOutcome, OpenRun, Ownership } from './state';

/** A stream without an event. */
export const absentJob: AbsentJob = { stage: 'absent', revision: -1 };

/** Version of the state that JobBooksClosed carries. */
export const BOOKS_SCHEMA = 1;

const KEPT_CLOSED_RUNS = 8;
const KEPT_CRASHES = 16;
const KEPT_COMMANDS = 64;
const MOST_COMMANDS = 1_000;
const COMMAND_WINDOW_MS = 86_400_000;
const HOME_WINDOW_MS = 3_600_000;

/**
 * The state after one more event. `revision` is that of the event in its stream.
 *
 * It never refuses: what stands in the log has happened. Whether it should have is asked by the invariants.
 */
export function evolve(state: JobState, event: JobEvent | UnreadableEvent, revision: number): JobState {
  if (event.type === '$unreadable') return unreadable(state, event, revision);
  if (event.type === 'JobBooksClosed') return { ...event.data.state, revision, booksRevision: revision };
  if (state.stage === 'opaque') return { ...state, revision };
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

function unreadable(state: JobState, event: UnreadableEvent, revision: number): JobState {
  if (state.stage === 'opaque') return { ...state, revision };
  return {
    stage: 'opaque',
    revision,
    unreadable: { revision, type: event.originalType, why: event.why },
    before: state,
  };
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
    inProgress: [],
    requested: [],
    crashes: [],
    closedRuns: former?.closedRuns ?? [],
    lastOutcome: former?.lastOutcome ?? null,
    ending: false,
    homeReturns: former?.homeReturns ?? [],
    commands: data.commandId === undefined ? commands : remember(commands, data.commandId, revision, data.at),
    booksRevision: former?.booksRevision ?? -1,
  };
}

type Later = Exclude<JobEvent, { type: 'JobScheduled' | 'JobBooksClosed' }>;

function apply(record: JobRecord, event: Later, revision: number): JobRecord {
  const state = { ...record, revision };
  const { at } = event.data;
  switch (event.type) {
    case 'JobRescheduled': {
      const { definition, definitionHash, anchor, nextSlot, zoneData } = event.data;
      return {
        ...state,
        definition,
        definitionHash,
        anchor,
        nextSlot,
        zoneData,
        definitionRevision: revision,
        slotsCounted: 0,
      };
    }
    case 'JobEndSet':
      return { ...state, ending: true, nextSlot: event.data.nextSlot, zoneData: event.data.zoneData };
    case 'JobRunRequested':
      return { ...state, requested: [...state.requested, { slot: event.data.slot, at }] };
    case 'JobBoundToService': {
      const { epoch, serviceId, incarnation } = event.data;
      return { ...state, epoch, ownership: { kind: 'bound', since: at, serviceId, incarnation } };
    }
    case 'JobSlotsSkipped': {
      const { slots, to, count, nextSlot, zoneData } = event.data;
      return {
        ...state,
        nextSlot,
        zoneData,
        accountedThrough: later(state.accountedThrough, to),
        slotsCounted: state.slotsCounted + (to === null ? 0 : count),
        requested: slots.length === 0 ? state.requested : state.requested.filter((r) => !slots.includes(r.slot)),
      };
    }
    case 'JobRunStarted':
      return started(state, event, revision);
    case 'JobRunSucceeded':
      return {
        ...slotEnded(closed(state, event.data, 'succeeded'), event.data),
        crashes: [],
        lastOutcome: outcome(event.data, 'succeeded', at, null),
      };
    case 'JobRunFailed': {
      const { error, message, retryAt, retriesUsed } = event.data;
      const after = closed(state, event.data, 'failed');
      const lastOutcome = outcome(event.data, 'failed', at, `${error}: ${message}`);
      return {
        ...(retryAt === null ? slotEnded(after, event.data) : waiting(after, event.data, retryAt, retriesUsed)),
        lastOutcome,
      };
    }
    case 'JobRunTimedOut': {
      const { timeoutMs, retryAt, retriesUsed } = event.data;
      const after = closed(state, event.data, 'timedOut');
      const lastOutcome = outcome(event.data, 'timedOut', at, `not done within ${timeoutMs} ms`);
      return {
        ...(retryAt === null ? slotEnded(after, event.data) : waiting(after, event.data, retryAt, retriesUsed)),
        lastOutcome,
      };
    }
    case 'JobRunAbandoned':
      return abandoned(state, event);
    case 'JobRunOutcomeRefused':
      return {
        ...state,
        closedRuns: state.closedRuns.map((r) => (sameRun(r, event.data) ? { ...r, refused: true } : r)),
        crashes: state.crashes.filter((c) => c.slot !== event.data.slot || c.attempt !== event.data.attempt),
      };
    case 'JobReleased': {
      const { reason, target, serviceId } = event.data;
      const returned =
        reason === 'home'
          ? [...state.homeReturns.filter((t) => t > at - HOME_WINDOW_MS), at].slice(-16)
          : state.homeReturns;
      return {
        ...state,
        homeReturns: returned,
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
      return { ...state, held: { slot: event.data.slot, attempt: event.data.attempt } };
    case 'JobHoldResolved': {
      const { resolution, slot, nextSlot, zoneData } = event.data;
      const after = { ...state, held: null, nextSlot, zoneData };
      if (resolution === 'retry') return after;
      const attempt = state.held?.attempt ?? 0;
      return {
        ...after,
        inProgress: after.inProgress.filter((s) => s.slot !== slot),
        crashes: resolution === 'succeeded' ? [] : after.crashes,
        lastOutcome: {
          slot,
          attempt,
          outcome: resolution === 'fail' ? 'failed' : 'succeeded',
          at,
          detail: 'said by an operator',
        },
      };
    }
    case 'JobQuarantined':
      return { ...state, stage: 'quarantined', ownership: unbound(state.ownership, at, 'quarantine') };
    case 'JobReleasedFromQuarantine':
      return { ...state, stage: 'live', crashes: [], ownership: unbound(state.ownership, at, 'quarantine') };
    case 'JobPaused':
      return { ...state, paused: true };
    case 'JobResumed':
      return { ...state, paused: false, nextSlot: event.data.nextSlot, zoneData: event.data.zoneData };
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

function started(state: JobRecord, { data }: JobRunStarted, revision: number): JobRecord {
  const { slot, attempt, epoch, incarnation, serviceId, definitionRevision, nextSlot, zoneData, at } = data;
  const run: OpenRun = { slot, attempt, epoch, incarnation, serviceId, startedAt: at, revision, definitionRevision };
  const former = state.inProgress.find((s) => s.slot === slot);
  const entry = { slot, attempt, retriesUsed: former?.retriesUsed ?? 0, run, retryAt: null, definitionRevision };
  const scheduledAt = instantOfSlot(slot);
  const first = former === undefined;
  return {
    ...state,
    nextSlot,
    zoneData,
    accountedThrough: first && scheduledAt !== null ? later(state.accountedThrough, slot) : state.accountedThrough,
    slotsCounted: first && scheduledAt !== null ? state.slotsCounted + 1 : state.slotsCounted,
    inProgress: first ? [...state.inProgress, entry] : state.inProgress.map((s) => (s.slot === slot ? entry : s)),
    requested: state.requested.filter((r) => r.slot !== slot),
  };
}

function abandoned(state: JobRecord, { data }: JobRunAbandoned): JobRecord {
  const { slot, attempt, reason, at } = data;
  const after = closed(state, data, reason);
  const over = reason === 'fail' || reason === 'cancelled';
  const retriesUsed = state.inProgress.find((s) => s.slot === slot)?.retriesUsed ?? 0;
  return {
    ...(over ? slotEnded(after, data) : waiting(after, data, at, retriesUsed)),
    lastOutcome: outcome(data, 'abandoned', at, reason),
    crashes: reason === 'ownerFailed' ? [...state.crashes, { slot, attempt, at }].slice(-KEPT_CRASHES) : state.crashes,
  };
}

function closed(state: JobRecord, run: RunRef, how: ClosedRun['outcome']): JobRecord {
  const { slot, attempt, epoch, incarnation } = run;
  const closedRun: ClosedRun = { slot, attempt, epoch, incarnation, outcome: how, refused: false };
  return { ...state, closedRuns: [...state.closedRuns, closedRun].slice(-KEPT_CLOSED_RUNS) };
}

function waiting(state: JobRecord, run: RunRef, retryAt: Instant, retriesUsed: number): JobRecord {
  return {
    ...state,
    inProgress: state.inProgress.map((s) => (s.slot === run.slot ? { ...s, run: null, retryAt, retriesUsed } : s)),
  };
}

function slotEnded(state: JobRecord, run: RunRef): JobRecord {
  return { ...state, inProgress: state.inProgress.filter((s) => s.slot !== run.slot) };
}

function ended(state: JobRecord, stage: 'completed' | 'cancelled' | 'removed', at: Instant): JobRecord {
  return {
    ...state,
    stage,
    ownership: unbound(state.ownership, at, 'ended'),
    nextSlot: null,
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

function outcome(run: RunRef, how: LastOutcome['outcome'], at: Instant, detail: string | null): LastOutcome {
  return { slot: run.slot, attempt: run.attempt, outcome: how, at, detail };
}

function later(accounted: Instant | null, slot: Slot | null): Instant | null {
  const instant = slot === null ? null : instantOfSlot(slot);
  return instant === null ? accounted : Math.max(accounted ?? instant, instant);
}

export function sameRun(a: RunRef, b: RunRef): boolean {
  return a.slot === b.slot && a.attempt === b.attempt && a.epoch === b.epoch && a.incarnation === b.incarnation;
}

/** All of the last 24 h by event time, or the last 64, at most 1,000. Events of one append share an entry: its revision is the last one's. */
function remember(known: JobRecord['commands'], id: string, revision: number, at: Instant): JobRecord['commands'] {
  const others = known.at(-1)?.id === id ? known.slice(0, -1) : known;
  const all = [...others, { id, revision, at }];
  if (all.length <= KEPT_COMMANDS) return all;
  const recent = all.findIndex((c) => c.at > at - COMMAND_WINDOW_MS);
  return all.slice(Math.max(Math.min(recent, all.length - KEPT_COMMANDS), all.length - MOST_COMMANDS, 0));
}
