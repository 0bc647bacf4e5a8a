import type { HoldfastEvent, JobState, RecordedEvent } from 'holdfast';
import { auditState, type AuditState } from './audit-state';
import { changedInterval, parts, rightful, type DemoAudit } from './audits';

/** What the demo did, as far as it is not in the log: the kill. */
export interface KillReport {
  readonly serviceId: string;
  readonly incarnation: string;
  /** Wall clock, ms. */
  readonly at: number;
  /** How the process ended; null: it had not. */
  readonly signal: string | null;
  /** The run that it was in the middle of, as the demo aimed. */
  readonly job: string;
}

export interface LogEntry {
  readonly recorded: RecordedEvent;
  readonly event: HoldfastEvent;
}

export function jobOf(entry: LogEntry): string {
  return entry.recorded.stream.slice('job-'.length);
}

/** One audit, what its job has become, and all that happened. */
export interface Case {
  readonly audit: DemoAudit;
  readonly state: JobState;
  readonly entries: readonly LogEntry[];
  readonly kill: KillReport;
}

/** The facts of the audit's own job. */
interface Trial extends Case {
  readonly own: readonly LogEntry[];
  readonly starts: readonly EntryOf<'JobRunStarted'>[];
  readonly successes: readonly EntryOf<'JobRunSucceeded'>[];
}

type Type = HoldfastEvent['type'];
interface EntryOf<T extends Type> extends LogEntry {
  readonly event: Extract<HoldfastEvent, { readonly type: T }>;
}

/** Every audit did what it is for, on rightful engines; what nobody fits was left alone. One sentence per thing that is wrong. */
export function judgeAudit(given: Case): string[] {
  const { audit, entries } = given;
  const own = entries.filter((e) => e.recorded.stream === `job-${audit.id}`);
  const trial = { ...given, own, starts: of(own, 'JobRunStarted'), successes: of(own, 'JobRunSucceeded') };
  const scheduled = of(own, 'JobScheduled').length;
  if (scheduled !== 1) return [`${audit.id}: scheduled ${scheduled} times`];
  const labels = new Map(
    of(entries, 'ServiceRegistered').map(({ event }) => [event.data.incarnation, event.data.labels]),
  );
  const fits = [...labels.values()].some((one) => rightful(audit, one));
  const wrong = trial.starts
    .filter(({ event }) => !rightful(audit, labels.get(event.data.incarnation) ?? {}))
    .map(({ event }) => `${audit.id}: ran on ${event.data.serviceId}, which does not fit its tag`);
  if (!fits) {
    const bound = of(own, 'JobBoundToService').length > 0;
    return bound ? [...wrong, `${audit.id}: nobody fits, and yet it was bound`] : wrong;
  }
  return [...wrong, ...moved(trial), ...itsPart(trial), ...itsState(trial)];
}

function itsPart(trial: Trial): string[] {
  const { audit, successes } = trial;
  const { id, spec } = audit;
  if (spec.type === 'ONESHOT')
    return successes.length === 1 ? [] : [`${id}: a ONESHOT that succeeded ${successes.length} times`];
  if (spec.type === 'EVENT') return triggers(trial);
  if (id === parts.tomorrow) return trial.starts.length === 0 ? [] : [`${id}: ran, and is to run tomorrow`];
  if (id === parts.cancelled) return cancelled(trial);
  if (id === parts.ending) return windowKept(trial);
  if (successes.length === 0) return [`${id}: never ran`];
  if (id === parts.suspended) return [...suspended(trial), ...ranOn(trial)];
  if (id === parts.changed) return [...changed(trial), ...ranOn(trial)];
  return ranOn(trial);
}

/** Whoever was owned by the dead must have moved, and must have run again if it has anything to run. */
function moved({ audit, own, kill, successes }: Trial): string[] {
  if (kill.signal === null || ownerAt(own, kill.at) !== kill.incarnation) return [];
  const requeue = of(own, 'JobRequeued').find(({ event }) => event.data.fromIncarnation === kill.incarnation);
  if (!requeue) return [`${audit.id}: its owner ${kill.serviceId} died and it was never requeued`];
  const { revision } = requeue.recorded;
  const bound = of(own, 'JobBoundToService').some(
    (e) => e.recorded.revision > revision && e.event.data.incarnation !== kill.incarnation,
  );
  if (!bound) return [`${audit.id}: was requeued and nobody took it`];
  const done = successes.some((e) => e.recorded.revision > revision);
  return done || !audit.runsAtOnce ? [] : [`${audit.id}: was requeued and never ran again`];
}

/** Every trigger was answered by one run. */
function triggers({ audit, own, successes }: Trial): string[] {
  const requests = of(own, 'JobRunRequested');
  if (requests.length === 0) return [`${audit.id}: was never triggered`];
  const answered = requests.map(({ event }) => ({
    slot: event.data.slot,
    times: successes.filter((e) => e.event.data.slot === event.data.slot).length,
  }));
  const wrong = answered
    .filter(({ times }) => times !== 1)
    .map(({ slot, times }) => `${audit.id}: its trigger ${slot} was answered ${times} times`);
  const asked = new Set(answered.map(({ slot }) => slot));
  const unasked = successes.filter((e) => !asked.has(e.event.data.slot));
  return [...wrong, ...unasked.map((e) => `${audit.id}: ran in slot ${e.event.data.slot}, and nobody triggered it`)];
}

function cancelled({ audit, own, starts }: Trial): string[] {
  const [end] = of(own, 'JobCancelled');
  if (end === undefined) return [`${audit.id}: was never cancelled`];
  const after = starts.some((e) => e.recorded.revision > end.recorded.revision);
  return after ? [`${audit.id}: ran after it was cancelled`] : [];
}

function windowKept({ audit, own, starts, successes }: Trial): string[] {
  const [scheduled] = of(own, 'JobScheduled');
  const end = scheduled.event.data.definition.schedule.end ?? 0;
  const beyond = starts.filter((e) => Date.parse(e.event.data.slot) >= end);
  const wrong = beyond.map((e) => `${audit.id}: ran in slot ${e.event.data.slot}, after its end`);
  if (successes.length === 0) wrong.push(`${audit.id}: never ran within its window`);
  return wrong;
}

/** Nothing started while it was suspended, and it went on afterwards. */
function suspended({ audit, own, starts, successes }: Trial): string[] {
  const [from] = of(own, 'JobPaused');
  const [to] = of(own, 'JobResumed');
  if (from === undefined) return [`${audit.id}: was never suspended`];
  if (to === undefined) return [`${audit.id}: was never resumed`];
  const within = starts.filter(
    (e) => e.recorded.revision > from.recorded.revision && e.recorded.revision < to.recorded.revision,
  );
  const wrong = within.map((e) => `${audit.id}: ran in slot ${e.event.data.slot}, while it was suspended`);
  if (!successes.some((e) => e.recorded.revision > to.recorded.revision))
    wrong.push(`${audit.id}: was resumed and never ran again`);
  return wrong;
}

/** The next run after the change, and all that follow, are by the new interval. */
function changed({ audit, own, starts }: Trial): string[] {
  const change = of(own, 'JobRescheduled').at(-1);
  if (change === undefined) return [`${audit.id}: was never changed`];
  const { schedule } = change.event.data.definition;
  if (schedule.kind !== 'interval' || schedule.everyMs !== Number(changedInterval) * 1_000)
    return [`${audit.id}: was changed to another interval than ${changedInterval} s`];
  const after = starts.filter((e) => e.recorded.revision > change.recorded.revision);
  const wrong = after
    .filter((e) => e.event.data.definitionRevision !== change.recorded.revision)
    .map((e) => `${audit.id}: ran in slot ${e.event.data.slot} by a definition that had been changed`);
  const first = after.map((e) => Date.parse(e.event.data.slot)).find((slot) => !Number.isNaN(slot));
  const wait = first === undefined ? Infinity : first - change.event.data.anchor;
  if (wait > schedule.everyMs) wrong.push(`${audit.id}: its new interval did not hold from the next run on`);
  return wrong;
}

/** Until the engines were asked to stop, no more time than three periods passed without a run. */
function ranOn({ audit, entries, successes }: Trial): string[] {
  const last = Math.max(...entries.map((e) => e.recorded.created));
  const drain = of(entries, 'ServiceDrainStarted')[0]?.recorded.created ?? last;
  const before = successes.filter((e) => e.recorded.created <= drain + 1_000).at(-1)?.recorded.created ?? 0;
  const patience = 3 * audit.periodMs + (audit.spec.observeMs ?? 0) + 2_000;
  if (drain - before <= patience) return [];
  const seconds = ((drain - before) / 1_000).toFixed(1);
  return [`${audit.id}: its last run ended ${seconds} s before the drain: it did not run on`];
}

/** What the facts add up to is what the story led to. */
function itsState({ audit, state }: Trial): string[] {
  if (state.stage === 'absent' || state.stage === 'opaque')
    return [`${audit.id}: its job cannot be read (${state.stage})`];
  const wanted = expected(audit);
  const is = auditState(state);
  return is === wanted ? [] : [`${audit.id}: is ${is} in the end, not ${wanted}`];
}

function expected({ id, spec }: DemoAudit): AuditState {
  if (id === parts.cancelled) return 'CANCELLED';
  if (id === parts.tomorrow) return 'PENDING';
  return spec.type !== 'CONTINUOUS' || id === parts.ending ? 'SUCCEEDED' : 'ONGOING';
}

function of<T extends Type>(entries: readonly LogEntry[], type: T): EntryOf<T>[] {
  return entries.filter((entry): entry is EntryOf<T> => entry.event.type === type);
}

/** The incarnation that had it, of a job that had not ended. */
function ownerAt(own: readonly LogEntry[], at: number): string | null {
  let owner: string | null = null;
  for (const { event, recorded } of own) {
    if (recorded.created > at) break;
    if (event.type === 'JobBoundToService') owner = event.data.incarnation;
    if (['JobReleased', 'JobRequeued', 'JobCancelled', 'JobCompleted'].includes(event.type)) owner = null;
  }
  return owner;
}
