/**
 * # Who owns what: the sweep
 *
 * Nobody is in charge. Every live service runs the same sweep over its own view of the log, and takes the jobs that placement gives to *itself*.
 * Two that take the same job race for one revision of one stream: one append lands, the other is refused and changes nothing. So nothing in this
 * room has to be right for a job to be owned by one service only; ranks, graces and budgets decide how soon a job moves and how much work is wasted.
 *
 * ## The states of a job's ownership
 *
 * ```
 *                      JobBoundToService (claim, by rank)
 *        ┌─────────┐ ─────────────────────────────────────▶ ┌─────────┐
 *        │ unbound │                                        │  bound  │──┐ owner runs it (worker)
 *        └─────────┘ ◀───────────────────────────────────── └─────────┘◀─┘
 *          ▲  ▲   JobReleased (drain, ineligible, home,          │
 *          │  │                rebalance, late)                  │
 *          │  │                                                  │ ServiceMarkedFailed or ServiceStopped: a fact, never silence;
 *          │  │                                                  │ or nothing in the log registers the owner
 *          │  │                                                  ▼
 *          │  │        JobRequeued (nobody eligible)        ┌─────────┐
 *          │  └─────────────────────────────────────────────│ orphan  │
 *          │                                                └─────────┘
 *          │ JobReleasedFromQuarantine                           │ JobRequeued + JobBoundToService e+1 (+ JobRunStarted), by rank
 *     ┌─────────────┐   JobRequeued + JobQuarantined             ├──────────▶ bound to the survivor
 *     │ quarantined │ ◀──────────────────────────────────────────┘
 *     └─────────────┘
 * ```
 *
 * An orphan is a job that is not terminal and whose owner *incarnation* is failed or stopped: any incarnation, not just the newest of its service.
 * Or nothing in the log registers that incarnation: its claim was under way when a backup took the place of the log, and no fact can end it. (Where
 * an event of its service cannot be read here, that may be its registration: no orphan.) Orphans are looked for in every sweep by every service
 * until none is left, whoever dies half-way.
 *
 * ## When a service steps in
 *
 * Each snapshot of the view, at one position, is ranked once, soonest next run first, then id. The service at place k (from 0) appends at
 *
 *     t(k) = firstSeen + g(k)                                        nobody before it is seen claiming
 *     t(k) = min(firstSeen + 10 · g(k), max(that, p + claimGrace))   p: when one before it was last seen to own more than before
 *
 *     g(k) = k · claimGrace                  g(k) = (3 + k) · claimGrace for k ≥ 1 when the job was released for the service at place 0
 *
 * `firstSeen`: when *this* process first saw the job claimable: without a living owner, and somebody fits. A change of membership changes ranks,
 * not `firstSeen`; another epoch or another lost owner is another claim. All of it is local monotonic time. The bound for one job is
 *
 *     failAfter + beat latency + round trip + 2 · append + 2 · view lag + k · claimGrace + jobs / claim rate
 *
 * A due job is started in the append that binds it: a place for the run is reserved first, and either entered or given back, once. For a suspect
 * (two owners have died in it) it is the one place of this process for suspects; when that is taken the job is bound, and started later.
 *
 * What is behind `gone` decides how an orphan moves:
 *
 * | the owner | idle | with an open run |
 * |---|---|---|
 * | failed, by an observer | at once | at once; the run counts as a crash |
 * | failed, by an operator | at once, unless a run turns out to be open | after failAfter of measured silence; no crash |
 * | …, `confirmedDead` | at once | at once; no crash |
 * | stopped | at once | at once; a leftover (idle or not): after failAfter of measured silence |
 * | registered nowhere | after failAfter of silence, measured from the first sweep that sees the job on | the same; no crash |
 *
 * Nobody fits: any live service, by plain rendezvous, requeues it without a new owner and says why. It is then unbound, and left out until it changes
 * or membership does. Nobody has room: left out until an owned count changes.
 *
 * ## Giving back
 *
 * Only the owner gives a job away, only while nothing runs of it. Draining: all of them. No longer eligible here (its tag or handler changed): at once
 * with the next scan. `preferred` and living elsewhere: to the best ranked service whose labels match once that has been registered for homeAfter
 * (doubled per return within the hour). Scans go slice by slice, when membership changes and every `ownScanMs`.
 *
 * For balance, to a service below its share: when membership has been the same for `stableForMs`, and the owner has more than 1.25 times its share
 * or the other less than its share / 1.25; not a job that was moved within `moveRestMs`. Own jobs are looked at only while the counts of the
 * services say that something may have to move, 1,000 per second at most. Because it is late: due here for `lateAfterMs` and not started, to a
 * service that has room for a run. Homes, balance and lateness share one budget, `movesPerSecond`.
 *
 * ## What happens on each failure
 *
 * | failure | what follows |
 * |---|---|
 * | this process dies, at any point | what it appended holds; what it did not is still unbound or an orphan for all others, who step in by rank |
 * | its append loses a race, or is refused | counted; the job rests (50 ms, doubled to 5 s) and is looked at again in state |
 * | its appends all fail | those ranked behind it step in: it is not seen claiming |
 * | the store is slow or away | the limit of appends in flight halves; what was sent is settled by the executor, identically |
 * | it is fenced | nothing is appended: trust and incarnation are looked at right before each append; it goes on when trusted again |
 * | its view is further behind than failAfter | it claims nothing; others do |
 * | it drains | it claims nothing more |
 * | the target of a hand-over does not take the job | after four graces the next in rank does: most often the owner before, and the job rests there |
 * | an earlier handler of the job is stuck here | it ranks itself out for that job until it has settled |
 * | a job that cannot be read here | it is left to those that can read it |
 * | an exception in a sweep | logged, shown in `health()`; the next sweep begins after a back-off (100 ms, doubled to 5 s) |
 * | the log went back, another incarnation | everything remembered beyond the view is forgotten |
 *
 * There are no events in here: whatever wakes the sweep (the view moved on, a timer, trust), it looks at state. Sweeps never overlap, give way every
 * 5 ms, and rest three times as long as they took.
 *
 * A sweep reads page by page: each page is one snapshot at one position, ranked and decided on by itself, and read when few claims wait. It looks at
 * the first page, then goes on where the last one stopped, until the window, a quarter of a second or the last job ends it: what became due comes
 * first even in the middle of a mass move, each job is read about once, and no number of jobs that nobody fits hides those behind them.
 */
export { OwnershipSweep, type NotClaiming, type SweepHealth } from './sweep';
export { sweepOptions, type SweepOptions, type SweepSettings } from './options';
export type { OwnershipCommands, OwnershipView, SweepPorts } from './ports';
export type { SweepCounters } from './ledger';
export type { RunReservation, StartsRuns } from './starts-runs';
