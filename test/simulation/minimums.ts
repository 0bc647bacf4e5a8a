/**
 * How often each interesting thing must happen in a hundred worlds, at the least: about a fourth of how often it does. A run of fifty worlds or more in
 * which one stays below has tested less than it says.
 */
export const minimums: ReadonlyMap<string, number> = new Map([
  // Owners that die, and what becomes of their runs.
  ['owner-died-in-mid-run', 80],
  ['crash-in-append', 25],
  ['abandoned-ownerFailed', 80],
  ['abandoned-lostInProcess', 60],
  ['late-outcome-refused', 20],
  ['JobQuarantined', 8],
  ['suspect-started', 25],
  ['crash-taken-back', 4],
  ['JobHeld', 6],
  ['requeued-for-nobody', 50],
  // Answers that are lost, and what had landed.
  ['unknown-had-landed', 200],
  ['ghost-landed', 200],
  ['duplicate-arrived', 80],
  ['late-answer', 60],
  ['read-behind', 15],
  ['order-had-landed', 1],
  // Trust, silence, verdicts.
  ['fenced', 200],
  ['reasserted', 120],
  ['false-verdict', 60],
  ['returned-after-false-verdict', 50],
  ['verdict-on-the-dead', 120],
  ['verdict-dropped', 3],
  ['clock-jump-settled', 30],
  ['resumed-without-trust', 15],
  ['not-entered-after-start', 4],
  ['not-claiming-view-behind', 5],
  // An owner that dies when all is well.
  ['last-death', 24],
  ['taken-over', 160],
  // One name, two processes.
  ['identity-conflict', 5],
  ['superseded', 4],
  // A log that is put back, views that outlive their processes, what nobody can read.
  ['restore', 25],
  ['log-went-back', 50],
  ['crash-in-projection', 28],
  ['view-resumed', 30],
  ['newer-event', 6],
  ['moved-by-a-lost-log', 3],
  ['started-by-a-lost-log', 2],
  ['requeued-from-the-unregistered', 3],
  // Races, and people.
  ['order-through-web', 5],
  ['claim-job-bound', 20],
  ['operator-mark', 15],
  ['released-moved', 8],
  ['released-home', 50],
  ['drained-with-leftovers', 2],
  ['start-without-log', 5],
  // Slots that fall while another is in progress.
  ['skipped-overlap', 70],
  ['skipped-replaced', 20],
  ['abandoned-replaced', 120],
  ['overlap-allowed', 15],
  // Schedules of every kind, and nights in which clocks change.
  ['slot-of-once', 120],
  ['slot-of-interval', 3_000],
  ['slot-of-cron', 600],
  ['slot-of-calendar', 20],
  ['slot-with-jitter', 300],
  ['slot-after-a-clock-change', 150],
  ['skipped-paused', 3],
  ['rescheduled-to-interval', 4],
  ['rescheduled-to-cron', 4],
  ['skipped-coalesced', 60],
  ['skipped-misfire', 25],
  ['start-with-a-backlog', 40],
  ['start-of-a-backfill', 40],
  // Handlers that the guarantees say overlap: each with its reason.
  ['overlap-ignored-abort', 20],
  ['overlap-paused', 5],
]);

const FROM_SEEDS = 50;

/** What did not happen often enough, in words. */
export function tooTame(seeds: number, counts: ReadonlyMap<string, number>): readonly string[] {
  if (seeds < FROM_SEEDS) return [];
  return [...minimums].flatMap(([what, per100]) => {
    const least = Math.max(1, Math.floor((per100 * seeds) / 100));
    const n = counts.get(what) ?? 0;
    return n >= least ? [] : [`${what}: ${n} times, and at least ${least} are wanted`];
  });
}
