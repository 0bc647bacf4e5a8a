import type { Instant } from '../instant';
import type { Slot } from './definition';
import {
  backfilledInstant,
  instantOfSlot,
  type JobRunAbandoned,
  type JobRunFailed,
  type JobRunOutcomeRefused,
  type JobRunStarted,
  type JobRunSucceeded,
  type JobRunTimedOut,
  type JobSlotsSkipped,
  type Pending,
  type RunRef,
  type SkipReason,
} from './events';
import { hasWaited, mayBegin, runEndedAt, runLimit } from './overlap';
import { pendingDueAt } from './pending';
import type { ClosedRun, Crash, JobRecord, JobState, LastOutcome, OpenRun } from './state';

/** How runs begin and end in the fold. An outcome of a run that is not open changes nothing. */
const KEPT_CLOSED_RUNS = 8;
const KEPT_CRASHES = 16;

/** All runs that one owner leaves behind must be known when their late outcomes come. */
function keptClosedRuns({ definition }: JobRecord): number {
  const limit = runLimit(definition.policies.overlap);
  return limit === 1 ? KEPT_CLOSED_RUNS : KEPT_CLOSED_RUNS + 2 * limit;
}

export function started(state: JobRecord, { data }: JobRunStarted, revision: number): JobRecord {
  const { slot, attempt, epoch, incarnation, serviceId, definitionRevision, soleSuspect, at } = data;
  const run: OpenRun = {
    ...{ slot, attempt, epoch, incarnation, serviceId, startedAt: at, revision, definitionRevision },
    ...(soleSuspect === true && { soleSuspect }),
  };
  const former = state.inProgress.find((s) => s.slot === slot);
  const entry = { slot, attempt, retriesUsed: former?.retriesUsed ?? 0, run, retryAt: null, definitionRevision };
  const scheduledAt = instantOfSlot(slot);
  const first = former === undefined;
  const scheduled = first && scheduledAt !== null;
  const { backlog: _owed, lateThrough: _late, ...rest } = state;
  return {
    ...moved(scheduled ? rest : state, data),
    ...(!scheduled && first && overtakes(state, at) && { lateThrough: at }),
    ...(scheduled && data.backlogTo !== undefined && { backlog: { to: data.backlogTo, policy: 'all' as const } }),
    accountedThrough: first && scheduledAt !== null ? later(state.accountedThrough, slot) : state.accountedThrough,
    slotsCounted: first && scheduledAt !== null ? state.slotsCounted + 1 : state.slotsCounted,
    inProgress: first ? [...state.inProgress, entry] : state.inProgress.map((s) => (s.slot === slot ? entry : s)),
    requested: state.requested.filter((r) => r.slot !== slot),
  };
}

/**
 * A requested run goes before slots that are late: that could have begun, and were not. Those that wait for a further attempt of another slot, in the
 * queue, or for room, go on waiting.
 */
function overtakes(state: JobRecord, at: Instant): boolean {
  const { overlap } = state.definition.policies;
  const pending = pendingDueAt(state);
  if ((overlap !== 'queue' && overlap !== 'replace') || pending === null || pending > at) return false;
  return mayBegin(state, 'scheduled') && !hasWaited(state);
}

export function succeeded(state: JobRecord, { data }: JobRunSucceeded): JobRecord {
  if (!hasOpenRun(state, data)) return state;
  return {
    ...slotEnded(closed(state, data, 'succeeded'), data),
    crashes: [],
    ...attemptEnded(state, data, 'succeeded', data.at, null),
  };
}

export function failed(state: JobRecord, { type, data }: JobRunFailed | JobRunTimedOut): JobRecord {
  if (!hasOpenRun(state, data)) return state;
  const how = type === 'JobRunFailed' ? 'failed' : 'timedOut';
  const detail = type === 'JobRunFailed' ? `${data.error}: ${data.message}` : `not done within ${data.timeoutMs} ms`;
  const after = closed(state, data, how);
  const { retryAt, retriesUsed } = data;
  return {
    ...(retryAt === null ? slotEnded(after, data) : waiting(after, data, retryAt, retriesUsed)),
    ...attemptEnded(state, data, how, data.at, detail),
  };
}

/** A late outcome changes nothing but what is known of its run: it is not recorded again, and the run was no crash. */
export function refused(state: JobRecord, { data }: JobRunOutcomeRefused): JobRecord {
  const { slot, attempt, epoch, incarnation, outcome: late } = data;
  const known = state.closedRuns.some((r) => sameRun(r, data));
  const added: ClosedRun = {
    slot,
    attempt,
    epoch,
    incarnation,
    outcome: late === 'abandoned' ? 'lostInProcess' : late,
    refused: true,
  };
  return {
    ...state,
    closedRuns: known
      ? state.closedRuns.map((r) => (sameRun(r, data) ? { ...r, refused: true } : r))
      : [...state.closedRuns, added].slice(-keptClosedRuns(state)),
    crashes: state.crashes.filter((c) => !(c.slot === slot && c.attempt === attempt) && c.incarnation !== incarnation),
  };
}

/** The run was started and has not ended. */
export function hasOpenRun(state: JobState, run: RunRef): boolean {
  return 'inProgress' in state && state.inProgress.some((s) => s.run !== null && sameRun(s.run, run));
}

export function abandoned(state: JobRecord, { data }: JobRunAbandoned): JobRecord {
  if (!hasOpenRun(state, data)) return state;
  const { slot, reason, at } = data;
  const after = closed(state, data, reason);
  const over = reason === 'fail' || reason === 'cancelled' || reason === 'replaced';
  const retriesUsed = state.inProgress.find((s) => s.slot === slot)?.retriesUsed ?? 0;
  return {
    ...(over ? slotEnded(after, data) : waiting(after, data, at, retriesUsed)),
    ...attemptEnded(state, data, 'abandoned', at, reason),
    crashes: reason === 'ownerFailed' ? crashed(state, data) : state.crashes,
  };
}

/** One crash for each owner that died, however many of its runs were open. */
function crashed({ crashes, inProgress }: JobRecord, { slot, attempt, incarnation, at }: RunRef & { at: Instant }) {
  if (crashes.some((crash) => crash.incarnation === incarnation)) return crashes;
  const open = inProgress.flatMap(({ run }) => (run === null ? [] : [run]));
  const sole = open.find((run) => run.slot === slot)?.soleSuspect === true;
  const crash: Crash = {
    ...{ slot, attempt, at },
    ...(sole && { soleSuspect: true }),
    ...(open.length > 1 && { incarnation }),
  };
  return [...crashes, crash].slice(-KEPT_CRASHES);
}

/** Slots were skipped for the handlers that were to make room for them. */
export function outlasted(inProgress: JobRecord['inProgress'], reason: SkipReason): JobRecord['inProgress'] {
  if (reason !== 'stuck') return inProgress;
  return inProgress.map((one) => (one.run === null ? one : { ...one, run: { ...one.run, outlasted: true } }));
}

/** A slot that waits for its next attempt is not started again; null: the event is not about such a slot. */
export function givenUp(state: JobRecord, { data }: JobSlotsSkipped): JobRecord | null {
  const { from, to } = data;
  if (from === null || from !== to || !state.inProgress.some(({ slot, run }) => slot === from && run === null))
    return null;
  return { ...moved(state, data), inProgress: state.inProgress.filter(({ slot }) => slot !== from) };
}

export function closed(state: JobRecord, run: RunRef, how: ClosedRun['outcome']): JobRecord {
  const { slot, attempt, epoch, incarnation } = run;
  const closedRun: ClosedRun = { slot, attempt, epoch, incarnation, outcome: how, refused: false };
  return { ...state, closedRuns: [...state.closedRuns, closedRun].slice(-keptClosedRuns(state)) };
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

/** What is known of the attempt that has ended last, and of the last that was no backfill. */
export function attemptEnded(
  state: JobRecord,
  { slot, attempt }: Pick<RunRef, 'slot' | 'attempt'>,
  outcome: LastOutcome['outcome'],
  at: Instant,
  detail: string | null,
): Pick<JobRecord, 'lastOutcome' | 'runEndedAt'> {
  const before = backfilledInstant(slot) === null ? null : runEndedAt(state);
  return { lastOutcome: { slot, attempt, outcome, at, detail }, ...(before !== null && { runEndedAt: before }) };
}

/** Without a backlog of which no slot is left to be accounted for. */
export function withoutSpentBacklog(state: JobRecord): JobRecord {
  const { backlog, ...rest } = state;
  if (backlog === undefined) return state;
  const to = instantOfSlot(backlog.to) ?? -Infinity;
  return state.nextSlot !== null && to > (state.accountedThrough ?? -Infinity) ? state : rest;
}

/** The pending slot stands where the event says. Zone data is that by which it was computed: a slot that stays keeps its own. */
export function moved(state: JobRecord, { nextSlot, zoneData, nextDueAt }: Pending): JobRecord {
  return nextSlot === state.nextSlot ? { ...state } : withPending(state, { nextSlot, zoneData, nextDueAt });
}

/** The pending slot is this one, whatever it was. */
export function withPending(state: JobRecord, { nextSlot, zoneData, nextDueAt }: Pending): JobRecord {
  if (nextDueAt !== undefined) return { ...state, nextSlot, zoneData, nextDueAt };
  const { nextDueAt: _former, ...rest } = state;
  return { ...rest, nextSlot, zoneData };
}

export function later(accounted: Instant | null, slot: Slot | null): Instant | null {
  const instant = slot === null ? null : instantOfSlot(slot);
  return instant === null || Number.isNaN(instant) ? accounted : Math.max(accounted ?? instant, instant);
}

export function sameRun(a: RunRef, b: RunRef): boolean {
  return a.slot === b.slot && a.attempt === b.attempt && a.epoch === b.epoch && a.incarnation === b.incarnation;
}
