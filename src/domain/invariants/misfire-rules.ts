import { instantOfSlot } from '../job/events';
import type { JobRunStarted, JobSlotsSkipped, SkipReason } from '../job/events';
import { misfireRule } from '../job/misfire';
import type { MisfireRule, MisfireWord, Slot } from '../job/definition';
import type { JobTrack } from './job-track';
import type { Report } from './violation';

/*
 * What a log can show of a broken misfire policy, without evaluating a schedule: a run of a slot that the policy skips, more runs than the cap,
 * a due slot that a run leaves behind without an account of it, and skips for a reason that is not the policy's.
 */

/** The policy for a slot: that of the backlog which it belongs to, else that of the job. Null: no definition is known. */
function inForce(track: JobTrack, slot: Slot): { readonly policy: MisfireWord; readonly rule: MisfireRule } | null {
  if (track.definition === null) return null;
  const rule = misfireRule(track.definition.misfire);
  const { backlog } = track;
  return { rule, policy: backlog !== null && instant(slot) <= instant(backlog.to) ? backlog.policy : rule.policy };
}

/** The first start of a scheduled slot. */
export function checkMisfireStart(track: JobTrack, data: JobRunStarted['data'], words: string, report: Report): void {
  const { slot, at, nextSlot, nextDueAt, backlogTo } = data;
  const found = inForce(track, slot);
  const owed = track.backlog !== null && instant(slot) <= instant(track.backlog.to) ? track.backlog : null;
  track.backlog = null;
  if (found === null) return;
  const { policy, rule } = found;
  // With jitter it was due by so much later at most.
  const age = at - instant(slot) - (track.definition?.schedule.jitterMs ?? 0);
  // A slot that waits in the queue, or for the room of a run that makes room, is not missed.
  const overlap = track.definition?.overlap;
  const waits = overlap === 'queue' || overlap === 'replace';
  const never = track.definition?.asap === true || waits;
  if (policy === 'skip' && age > rule.thresholdMs && !never) {
    report('transition', `${words} ${age} ms after its slot: misfire is skip, beyond ${rule.thresholdMs} ms.`);
  }
  if (policy === 'all') {
    if (rule.maxAgeMs !== null && age > rule.maxAgeMs && !waits) {
      report('transition', `${words} ${age} ms after its slot: misfire is all, up to an age of ${rule.maxAgeMs} ms.`);
    }
    const goesOn = owed !== null && owed.policy === 'all' && (backlogTo ?? owed.to) === owed.to;
    const runs = goesOn ? owed.runs + 1 : 1;
    if (runs > rule.cap) {
      report('transition', `${words} is run ${runs} of one backlog: misfire is all, with a cap of ${rule.cap}.`);
    }
    if (backlogTo !== undefined) track.backlog = { to: backlogTo, policy: 'all', runs };
    return;
  }
  if (backlogTo !== undefined) {
    if (rule.policy === 'all') track.backlog = { to: backlogTo, policy: 'all', runs: 0 };
    else
      report('transition', `${words} leaves slots through ${backlogTo} to be run after it, but misfire is ${policy}.`);
  }
  if (nextSlot === null || (nextDueAt ?? instant(nextSlot)) > at) return;
  const inBacklog = owed !== null && instant(nextSlot) <= instant(owed.to);
  if (track.backlog === null || inBacklog) track.toCoalesce = nextSlot;
}

/** Slots that were due beside the one that is started, and come after it, are coalesced into it in the same append. */
export function checkCoalesced(
  track: JobTrack,
  event: { readonly type: string; readonly data: object },
  report: Report,
): void {
  const { toCoalesce } = track;
  if (toCoalesce === null) return;
  const { from, reason } = event.data as Partial<JobSlotsSkipped['data']>;
  if (event.type === 'JobSlotsSkipped' && from === toCoalesce && (reason === 'coalesced' || reason === 'overlap'))
    return;
  track.toCoalesce = null;
  report('I8', `${event.type} stands where slots from ${toCoalesce} on were to be coalesced into the run before it.`);
}

const policyOf: { readonly [reason in SkipReason]?: readonly MisfireWord[] } = {
  misfire: ['skip'],
  tooOld: ['all'],
  overCap: ['all'],
  coalesced: ['once', 'skip'],
};

/** A range of scheduled slots is skipped. */
export function checkMisfireSkip(
  track: JobTrack,
  { from, to, reason, at }: JobSlotsSkipped['data'],
  words: string,
  report: Report,
): void {
  if (track.toCoalesce === from) {
    track.toCoalesce = null;
    return;
  }
  const wanted = policyOf[reason];
  if (wanted === undefined || from === null || to === null) return;
  const found = inForce(track, from);
  if (found === null) return;
  const { policy, rule } = found;
  if (!wanted.includes(policy)) {
    report('transition', `${words}, but misfire is ${policy}.`);
    return;
  }
  const limit = reason === 'misfire' ? rule.thresholdMs : reason === 'tooOld' ? (rule.maxAgeMs ?? Infinity) : -Infinity;
  const age = at - instant(to);
  if (!(age > limit))
    report('transition', `${words}: its last slot is ${age} ms old, which is not beyond ${limit} ms.`);
}

function instant(slot: Slot): number {
  return instantOfSlot(slot) ?? NaN;
}
