import { instantOfSlot } from '../job/events';
import type { JobSlotsSkipped, SkipReason } from '../job/events';
import { overlapWords } from '../job/overlap';
import type { Slot } from '../job/definition';
import type { JobTrack } from './job-track';
import { checkMisfireSkip } from './misfire-rules';
import type { Report } from './violation';

/** I8: every slot ends as run, coalesced or skipped. The pending slot moves only with a record of what became of it. */
export function checkSkipped(track: JobTrack, { data }: JobSlotsSkipped, report: Report): void {
  for (const slot of data.slots) {
    if (!track.requested.delete(slot))
      report('I8', `JobSlotsSkipped names ${slot}, which does not wait to be started.`);
  }
  const { from, to, count, reason, nextSlot } = data;
  if (from === null || to === null) {
    checkUnmoved(track, nextSlot, 'JobSlotsSkipped of requested slots', report);
    return;
  }
  const words = `JobSlotsSkipped of ${count} slots from ${from} to ${to} (${reason})`;
  if (from === to && endsSlotInProgress(track, from)) {
    checkUnmoved(track, nextSlot, words, report);
    return;
  }
  const [first, last] = [instantOfSlot(from) ?? NaN, instantOfSlot(to) ?? NaN];
  if (!(first <= last) || !(count >= 1)) report('I8', `${words}: that is no range of scheduled slots.`);
  if (!(first > track.accountedThrough)) {
    const through = new Date(track.accountedThrough).toISOString();
    report('I8', `${words}: slots through ${through} are accounted for already.`);
  } else if (from !== track.nextSlot) {
    report('I8', `${words}: the slot that was pending is ${track.nextSlot ?? 'none'}, and it is not accounted for.`);
  }
  checkCause(track, reason, words, report);
  checkMisfireSkip(track, data, words, report);
  if (nextSlot !== null && !((instantOfSlot(nextSlot) ?? NaN) > last)) {
    report('I8', `${words}: the next slot ${nextSlot} does not come after them.`);
  }
  track.account(to);
  track.nextSlot = nextSlot;
}

/** What the reason says of the job must be so when the slots are skipped. */
function checkCause(track: JobTrack, reason: SkipReason, words: string, report: Report): void {
  const overlap = track.definition?.overlap;
  if (reason === 'paused' && !track.paused) report('transition', `${words}, but the job is not paused.`);
  if (reason === 'held' && track.held.length === 0) report('transition', `${words}, but no slot of it is held.`);
  if (reason === 'stuck' && track.openRuns().length === 0) report('transition', `${words}, but no run is open.`);
  if (reason === 'stuck' && overlap !== undefined && overlap !== 'replace') {
    report('transition', `${words}, but nothing is to be replaced: overlap is ${overlapWords(overlap)}.`);
  }
  if (reason === 'overlap' && overlap === 'replace') report('transition', `${words}, but overlap is replace.`);
}

/** A slot that was started, and waits for its next start, will not be started again. */
function endsSlotInProgress(track: JobTrack, slot: Slot): boolean {
  if (track.slots.get(slot)?.run !== null) return false;
  return track.slots.delete(slot);
}

/** The event is not about the pending slot, so the pending slot stays. */
export function checkUnmoved(track: JobTrack, nextSlot: Slot | null, words: string, report: Report): void {
  if (nextSlot !== track.nextSlot) {
    report(
      'I8',
      `${words} moves the pending slot from ${track.nextSlot ?? 'none'} to ${nextSlot ?? 'none'} without an account of it.`,
    );
  }
  track.nextSlot = nextSlot;
}

/** The schedule itself changes: a slot that was due before must have been accounted for, and none comes again. */
export function checkMoved(track: JobTrack, nextSlot: Slot | null, at: number, words: string, report: Report): void {
  const pending = track.nextSlot === null ? null : instantOfSlot(track.nextSlot);
  if (pending !== null && pending <= at && nextSlot !== track.nextSlot) {
    report('I8', `${words} drops the slot ${track.nextSlot}, which was due, without an account of it.`);
  }
  if (nextSlot !== null && !((instantOfSlot(nextSlot) ?? NaN) > track.accountedThrough)) {
    const through = new Date(track.accountedThrough).toISOString();
    report('I8', `${words} makes ${nextSlot} pending, but slots through ${through} are accounted for already.`);
  }
  track.nextSlot = nextSlot;
}
