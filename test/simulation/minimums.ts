/**
 * How often each interesting thing must happen in a hundred worlds, at the least: about a fourth of how often it does (by 2,487 worlds). A run of
 * fifty worlds or more in which one stays below has tested less than it says.
 */
export const minimums: ReadonlyMap<string, number> = new Map([
  // What goes wrong.
  ['crash', 430],
  ['stop', 200],
  ['stall', 62],
  ['suspend', 52],
  ['wall-jump', 45],
  ['drop', 41],
  ['trouble-cut', 99],
  ['trouble-slow', 32],
  ['trouble-refuse', 27],
  ['trouble-lag', 51],
  ['trouble-beats', 41],
  ['trouble-unknown', 60],
  ['trouble-ghost', 54],
  ['trouble-duplicate', 42],
  ['trouble-stale', 41],
  ['stuck', 120],
  // Owners that die, and what becomes of their runs.
  ['owner-died-in-mid-run', 110],
  ['crash-in-append', 40],
  ['abandoned-ownerFailed', 170],
  ['abandoned-lostInProcess', 110],
  ['late-outcome-refused', 42],
  ['JobQuarantined', 17],
  ['suspect-started', 97],
  ['crash-taken-back', 15],
  ['JobHeld', 30],
  ['abandoned-fail', 57],
  ['abandoned-hold', 30],
  ['abandoned-drain', 53],
  ['requeued', 2_600],
  ['requeued-for-nobody', 200],
  // Answers that are lost, and what had landed.
  ['unknown-had-landed', 770],
  ['ghost-landed', 620],
  ['duplicate-arrived', 150],
  ['late-answer', 260],
  ['read-behind', 47],
  ['order-had-landed', 5],
  // Trust, silence, verdicts.
  ['fenced', 330],
  ['reasserted', 200],
  ['false-verdict', 69],
  ['returned-after-false-verdict', 59],
  ['verdict-on-the-dead', 200],
  ['verdict-dropped', 17],
  ['clock-jump-settled', 33],
  ['resumed-without-trust', 49],
  ['not-entered-after-start', 10],
  ['not-claiming-view-behind', 5],
  // An owner that dies when all is well.
  ['last-death', 24],
  ['taken-over', 160],
  // One name, two processes.
  ['identity-conflict', 46],
  ['superseded', 12],
  // A log that is put back, views that outlive their processes, what nobody can read.
  ['restore', 25],
  ['log-went-back', 50],
  ['crash-in-projection', 32],
  ['view-resumed', 62],
  ['newer-event', 7],
  ['moved-by-a-lost-log', 6],
  ['started-by-a-lost-log', 5],
  ['requeued-from-the-unregistered', 6],
  // Races, and people.
  ['order-through-web', 28],
  ['claim-wrong-owner', 64],
  ['claim-unknown', 4],
  ['order-refused', 180],
  ['released-rebalance', 360],
  ['released-stuck', 61],
  ['claim-job-bound', 73],
  ['operator-mark', 36],
  ['released-moved', 18],
  ['released-home', 100],
  ['drained-with-leftovers', 4],
  ['start-without-log', 5],
  // Slots that fall while another is in progress.
  ['skipped-overlap', 87],
  ['skipped-stuck', 9],
  ['skipped-replaced', 28],
  ['abandoned-replaced', 120],
  ['overlap-allowed', 210],
  // Schedules of every kind, and nights in which clocks change.
  ['slot-of-once', 150],
  ['slot-of-interval', 4_100],
  ['slot-of-cron', 860],
  ['slot-of-calendar', 26],
  ['slot-with-jitter', 420],
  ['slot-after-a-clock-change', 150],
  ['skipped-paused', 3],
  ['rescheduled-to-interval', 6],
  ['rescheduled-to-cron', 4],
  ['skipped-coalesced', 76],
  ['skipped-misfire', 46],
  ['skipped-tooOld', 7],
  ['skipped-overCap', 7],
  ['start-with-a-backlog', 190],
  ['start-of-a-backfill', 100],
  // Handlers that the guarantees say overlap: each with its reason.
  ['overlap-ignored-abort', 27],
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
