/*
 * The rules for gaps and folds, minute by minute, in the words of the specification: knows nothing of how slots are computed, and asks Intl
 * for every minute.
 */

const HOUR = 3_600_000;
const MINUTE = 60_000;
/** A stretch begins so long before its transition. */
export const BEFORE_MS = 26 * HOUR;
const MINUTES = 60 * 60;

/** What a schedule means on the wall. */
export interface WallClockRule {
  readonly fixed: boolean;
  /** Of each minute that holds, in order. */
  readonly seconds: readonly number[];
  /** Whether the minute that begins at this wall time is meant. */
  readonly holds: (wall: number) => boolean;
}

/** Each minute of a stretch of time and what the clock on the wall shows, asked of Intl minute by minute. */
export interface Stretch {
  readonly zone: string;
  readonly around: string;
  readonly from: number;
  readonly walls: readonly number[];
}

/** Transitions, the instants in UTC. */
export const transitions: readonly (readonly [zone: string, around: string])[] = [
  ['Europe/Berlin', '2026-03-29T01:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00Z'],
  ['America/New_York', '2026-03-08T07:00Z'],
  ['America/New_York', '2026-11-01T06:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00Z'],
  ['America/Sao_Paulo', '2018-11-04T03:00Z'],
  ['America/Sao_Paulo', '2018-02-18T02:00Z'],
  ['Africa/Casablanca', '2026-02-15T02:00Z'],
  ['Africa/Casablanca', '2026-03-22T02:00Z'],
  ['Pacific/Apia', '2011-12-30T10:00Z'],
  ['America/Nuuk', '2026-03-29T01:00Z'],
  ['America/Nuuk', '2026-10-25T01:00Z'],
  ['America/Havana', '2026-11-01T05:00Z'],
  ['Africa/Cairo', '2026-04-23T22:00Z'],
  ['Africa/Cairo', '2026-10-29T21:00Z'],
  ['Antarctica/Troll', '2026-03-29T01:00Z'],
  ['Antarctica/Troll', '2026-10-25T01:00Z'],
  ['Asia/Kathmandu', '1985-12-31T18:30Z'],
  ['Asia/Pyongyang', '2015-08-14T15:00Z'],
  ['Pacific/Kwajalein', '1993-08-21T12:00Z'],
  ['UTC', '2026-02-28T23:00Z'],
];

export function stretch(zone: string, around: string): Stretch {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const from = Date.parse(around) - BEFORE_MS;
  const minutes = Array.from({ length: MINUTES }, (_, i) => from + i * MINUTE);
  return { zone, around, from, walls: minutes.map((at) => Date.parse(`${format.format(at).replace(' ', 'T')}Z`)) };
}

/** The instants of the rule in the stretch. */
export function oracle(rule: WallClockRule, { from, walls }: Stretch): number[] {
  const slots = new Set<number>();
  let latest = walls[0] - MINUTE;
  walls.forEach((wall, i) => {
    const at = from + i * MINUTE;
    for (let swallowed = latest + MINUTE; rule.fixed && swallowed < wall; swallowed += MINUTE) {
      if (rule.holds(swallowed)) slots.add(at);
    }
    if (!(rule.fixed && wall <= latest) && rule.holds(wall)) {
      rule.seconds.forEach((second) => slots.add(at + second * 1_000));
    }
    latest = Math.max(latest, wall);
  });
  return [...slots].sort((a, b) => a - b);
}

/** The instants at which the offset of a zone changes, to the minute. */
export function transitionsOf(zone: string, from: number, to: number): number[] {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  const offset = (at: number) => format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value;
  const found: number[] = [];
  for (let at = from; at < to; at += 24 * HOUR) {
    if (offset(at) === offset(at + 24 * HOUR)) continue;
    let [before, after] = [at, at + 24 * HOUR];
    while (after - before > MINUTE) {
      const middle = before + Math.floor((after - before) / 2 / MINUTE) * MINUTE;
      if (offset(middle) === offset(at)) before = middle;
      else after = middle;
    }
    found.push(after);
  }
  return found;
}
