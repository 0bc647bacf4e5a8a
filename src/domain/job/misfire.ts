import type { Instant } from '../instant';
import type { Misfire, MisfireRule, MisfireWord } from './definition';
import { instantOfSlot, type SkipReason } from './events';
import { countSlots, nextSlot, nthSlotAfter, previousSlot } from './slots';
import type { AnchoredSchedule } from '../schedule';
import type { Backlog } from './state';

/**
 * Misfire: what becomes of slots that nobody started in time, whatever the cause: no service was up, none was eligible, the owner died or
 * was busy, the job was paused.
 *
 * A due slot is *missed* when it is later than the threshold; below it, it is simply late. By policy the missed ones are
 * - `skip`: skipped;
 * - `once`: coalesced into one run, of the latest due slot or of the earliest;
 * - `all`: run one after the other, the oldest first; those beyond the maximal age and the cap are skipped.
 *
 * Where nothing is missed the latest due slot is run, and what fell before it is coalesced into it; under `all` each is run.
 */

/** A range of slots without gaps, both bounds in it. */
export interface SlotRange {
  readonly first: Instant;
  readonly last: Instant;
  readonly count: number;
}

/** What is to become of the slots that are due. In time: `skipped`, in order, then `run`, then `coalesced`, then `backlog`; together they are all of them. */
export interface SlotFates {
  readonly skipped: readonly { readonly range: SlotRange; readonly reason: SkipReason }[];
  /** The slot that is to be started; null: none of them. */
  readonly run: Instant | null;
  /** Later slots that are coalesced into `run`. */
  readonly coalesced: SlotRange | null;
  /** The last of the later slots that are to be run after `run`, each for itself; null: none. */
  readonly backlogTo: Instant | null;
}

/** A schedule that is asked for as soon as possible has no time that it could miss. */
export function missedAfterMs(anchored: AnchoredSchedule, { thresholdMs }: MisfireRule): number {
  const { schedule } = anchored;
  return schedule.kind === 'once' && schedule.at === 'asap' ? Infinity : thresholdMs;
}

/**
 * Decides over the slots that are due. Pure; the time it takes does not grow with their number.
 *
 * @param due not empty. @param backlog what the state says is still to be run; its policy goes before that of the job.
 * @param idleSince when the last run ended; null: none did. Slots that fell before it, beyond the backlog, fell during a run: they do not make
 * the backlog longer. @param dueBefore the slots before the instant that it gives are those that were due before its argument: with jitter a slot
 * is missed, or too old, by when it was due.
 */
export function slotFates(
  anchored: AnchoredSchedule,
  due: SlotRange,
  policy: MisfireRule,
  at: Instant,
  backlog: Backlog | null,
  idleSince: Instant | null,
  dueBefore: (instant: Instant) => Instant = (instant) => instant,
): SlotFates {
  const oldest = dueBefore(at - (policy.maxAgeMs ?? Infinity));
  const owedTo = backlog === null ? null : instantOfSlot(backlog.to);
  const owed = owedTo !== null && due.first <= owedTo;
  if (owed && backlog?.policy === 'all') {
    // What is missed meanwhile joins the backlog, where the policy of the job is the same.
    const idle = policy.policy === 'all' && due.last > owedTo && due.last >= dueBefore((idleSince ?? -Infinity) + 1);
    return each(anchored, idle ? due : (split(anchored, due, owedTo + 1)[0] ?? due), policy, oldest);
  }
  if (owed && policy.policy !== 'once') return onceThen(anchored, split(anchored, due, owedTo + 1), policy);
  if (policy.policy === 'all') return each(anchored, due, policy, oldest);
  const missedBefore = dueBefore(at - (owed ? 0 : missedAfterMs(anchored, policy)));
  if (policy.policy === 'once') {
    const earliest = policy.run === 'earliest' && due.first < missedBefore;
    return earliest ? intoFirst(anchored, due) : intoLast(anchored, due, []);
  }
  const [missed, late] = split(anchored, due, missedBefore);
  const skipped = missed === null ? [] : [{ range: missed, reason: 'misfire' as const }];
  return late === null ? { ...nothing, skipped } : intoLast(anchored, late, skipped);
}

const nothing: SlotFates = { skipped: [], run: null, coalesced: null, backlogTo: null };

/** One run for the slots of a backlog; what has become due since is coalesced into it under `skip`, and is run after it under `all`. */
function onceThen(
  anchored: AnchoredSchedule,
  [owed, later]: ReturnType<typeof split>,
  { run, policy }: MisfireRule,
): SlotFates {
  if (owed === null) return nothing;
  const fates = run === 'earliest' ? intoFirst(anchored, owed) : intoLast(anchored, owed, []);
  if (later === null) return fates;
  if (policy === 'all') return { ...fates, backlogTo: later.last };
  const { coalesced } = fates;
  const all = coalesced === null ? later : { ...later, first: coalesced.first, count: coalesced.count + later.count };
  return { ...fates, coalesced: all };
}

function each(anchored: AnchoredSchedule, due: SlotRange, rule: MisfireRule, oldest: Instant): SlotFates {
  const skipped: { range: SlotRange; reason: SkipReason }[] = [];
  const [tooOld, young] = split(anchored, due, oldest);
  if (tooOld !== null) skipped.push({ range: tooOld, reason: 'tooOld' });
  if (young === null) return { ...nothing, skipped };
  const [beyond, kept] = young.count > rule.cap ? splitOff(anchored, young, young.count - rule.cap) : [null, young];
  if (beyond !== null) skipped.push({ range: beyond, reason: 'overCap' });
  return { skipped, run: kept.first, coalesced: null, backlogTo: kept.count > 1 ? kept.last : null };
}

function intoLast(anchored: AnchoredSchedule, due: SlotRange, skipped: SlotFates['skipped']): SlotFates {
  const before = due.count > 1 ? split(anchored, due, due.last)[0] : null;
  const earlier = before === null ? [] : [{ range: before, reason: 'coalesced' as const }];
  return { skipped: [...skipped, ...earlier], run: due.last, coalesced: null, backlogTo: null };
}

function intoFirst(anchored: AnchoredSchedule, due: SlotRange): SlotFates {
  const [, later] = due.count > 1 ? splitOff(anchored, due, 1) : [due, null];
  return { skipped: [], run: due.first, coalesced: later, backlogTo: null };
}

/**
 * The slots before an instant, and those from it on. The first slot of a range counts by itself: it was promised, and with other zone data it
 * may be none of today's.
 */
export function split(
  anchored: AnchoredSchedule,
  range: SlotRange,
  instant: Instant,
): readonly [before: SlotRange | null, from: SlotRange | null] {
  const { first, last, count } = range;
  if (first >= instant) return [null, range];
  if (last < instant) return [range, null];
  const more = countSlots(anchored, first, instant - 1);
  const before = more === 0 ? first : (previousSlot(anchored, instant) ?? first);
  const from = nextSlot(anchored, before) ?? last;
  return [
    { first, last: before, count: 1 + more },
    { first: from, last, count: count - 1 - more },
  ];
}

/** The first `n` slots of a longer range, and the rest. */
function splitOff(
  anchored: AnchoredSchedule,
  { first, last, count }: SlotRange,
  n: number,
): readonly [SlotRange, SlotRange] {
  const end = n === 1 ? first : nthSlotAfter(anchored, first, last, n - 1);
  return [
    { first, last: end, count: n },
    { first: nextSlot(anchored, end) ?? last, last, count: count - n },
  ];
}

/** The rule with every field, as a definition or a caller writes it. */
export function misfireRule(misfire: Misfire | MisfireInput): MisfireRule {
  const given = typeof misfire === 'string' ? { policy: misfire } : misfire;
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { ...defaultsOf(given.policy), ...said };
}

/** Canonical: the word alone where all else is as by default, so that equal rules are equal texts. */
export function canonicalMisfire(misfire: Misfire | MisfireInput): Misfire {
  const rule = misfireRule(misfire);
  const usual = defaultsOf(rule.policy);
  const { policy, run, cap, maxAgeMs, thresholdMs, onResume } = rule;
  const plain = Object.entries(usual).every(([field, value]) => rule[field as keyof MisfireRule] === value);
  return plain ? policy : { policy, run, cap, maxAgeMs, thresholdMs, onResume };
}

/** A rule as people write it: what is left out has its default. */
export type MisfireInput = MisfireWord | ({ readonly policy: MisfireWord } & Partial<Omit<MisfireRule, 'policy'>>);

const SKIP_THRESHOLD_MS = 60_000;

function defaultsOf(policy: MisfireWord): MisfireRule {
  const thresholdMs = policy === 'skip' ? SKIP_THRESHOLD_MS : 0;
  return { policy, run: 'latest', cap: 100, maxAgeMs: null, thresholdMs, onResume: 'skip' };
}

/** In plain words, as in `each missed slot is run, at most 24, none older than 3600000 ms`. */
export function describeMisfire(misfire: Misfire): string {
  const rule = misfireRule(misfire);
  const { policy, thresholdMs, onResume } = rule;
  const late = thresholdMs > 0 && policy !== 'all' ? `beyond ${thresholdMs} ms ` : '';
  const after = onResume === 'skip' ? '' : `; after a pause ${policyWords({ ...rule, policy: onResume })}`;
  return `${late}${policyWords(rule)}${after}`;
}

function policyWords({ policy, run, cap, maxAgeMs }: MisfireRule): string {
  if (policy === 'skip') return 'missed slots are skipped';
  if (policy === 'once') return `the ${run} of the missed slots is run`;
  return `each missed slot is run, at most ${cap}${maxAgeMs === null ? '' : `, none older than ${maxAgeMs} ms`}`;
}

/** In plain words, as in `missed slots through 2026-01-01T03:00:00.000Z are still to be run, each for itself`. */
export function describeBacklog({ to, policy }: Backlog): string {
  return `missed slots through ${to} are still to be run, ${policy === 'all' ? 'each for itself' : 'in one run'}`;
}
