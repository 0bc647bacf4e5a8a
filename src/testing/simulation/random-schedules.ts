import type { ScheduleInput } from '../../domain/schedule';
import type { Draw } from './draws';
import { WORLD_STARTS_AT } from './draws';

/** A moment at which the clocks of a zone change. Offsets from UTC before and after it, minutes. */
export interface ClockChange {
  readonly zone: string;
  readonly at: number;
  readonly before: number;
  readonly after: number;
}

const change = (zone: string, at: string, before: number, after: number): ClockChange => ({
  zone,
  at: Date.parse(at),
  before,
  after,
});

/** An hour, half an hour, a whole day; northern and southern; forwards and back; by night and at midnight. */
export const clockChanges: readonly ClockChange[] = [
  change('Europe/Berlin', '2026-03-29T01:00:00Z', 60, 120),
  change('Europe/Berlin', '2026-10-25T01:00:00Z', 120, 60),
  change('America/New_York', '2026-03-08T07:00:00Z', -300, -240),
  change('America/New_York', '2026-11-01T06:00:00Z', -240, -300),
  change('Australia/Lord_Howe', '2026-10-03T15:30:00Z', 630, 660),
  change('Australia/Lord_Howe', '2026-04-04T15:00:00Z', 660, 630),
  change('America/Santiago', '2026-09-06T04:00:00Z', -240, -180),
  change('America/Santiago', '2026-04-05T03:00:00Z', -180, -240),
  change('Pacific/Chatham', '2026-09-26T14:00:00Z', 765, 825),
  change('Pacific/Apia', '2011-12-30T10:00:00Z', -600, 840),
];

/** Zones whose clocks do not change. */
const steady: readonly ClockChange[] = [
  change('UTC', '2026-01-01T00:00:00Z', 0, 0),
  change('Asia/Kolkata', '2026-01-01T00:00:00Z', 330, 330),
  change('+05:45', '2026-01-01T00:00:00Z', 345, 345),
];

const MINUTE = 60_000;
const SECOND = 1_000;

/** When a world is, and which clocks change in it. */
export interface Season {
  readonly startsAt: number;
  readonly durationMs: number;
  /** Null: none. */
  readonly change: ClockChange | null;
}

/** More than half of the worlds are at a night in which clocks change, in the midst of it. */
export function randomSeason(draw: Draw, durationMs: number): Season {
  if (!draw.chance(0.6)) return { startsAt: WORLD_STARTS_AT, durationMs, change: null };
  const found = draw.of(clockChanges);
  const startsAt = found.at - Math.round((durationMs * draw.between(0.2, 0.7)) / SECOND) * SECOND;
  return { startsAt, durationMs, change: found };
}

/** A schedule of any kind, with slots within the world. @param leastMs slots lie at least about so far from each other. */
export function randomSchedule(draw: Draw, season: Season, leastMs: number): ScheduleInput {
  const kind = draw.weighted(
    new Map([
      ['aligned', 20],
      ['interval', 14],
      ['wildcard', 28],
      ['fixed', 24],
      ['calendar', 14],
      ['once', 8],
    ] as const),
  );
  return { ...scheduleOf(kind, draw, season, leastMs), ...bounds(draw, season, kind) };
}

function scheduleOf(kind: string, draw: Draw, season: Season, leastMs: number): ScheduleInput {
  const place = season.change !== null && draw.chance(0.75) ? season.change : draw.of(steady);
  const { zone } = place;
  const every = Math.round(draw.between(leastMs, 4 * leastMs) / SECOND) * SECOND;
  switch (kind) {
    case 'aligned':
      return { kind: 'interval', every: draw.of([every, MINUTE, 2 * MINUTE]), aligned: true };
    case 'interval':
      return { kind: 'interval', every, origin: season.startsAt - Math.round(draw.between(0, 86_400_000)) };
    case 'wildcard': {
      const hours = unique(walls(place, [momentOf(draw, season)]).map(({ hour }) => hour));
      const often = leastMs <= 30_000 ? ['*/30 * * * * *', '* * * * *'] : ['*/2 * * * *'];
      return {
        kind: 'cron',
        zone,
        pattern: draw.of([...often, `15 */2 * * * *`, `*/2 ${hours.join(',')} * * *`, '45 1-59/3 * * * *']),
      };
    }
    case 'fixed': {
      const times = Array.from({ length: 2 + Math.floor(draw.next() * 4) }, () => momentOf(draw, season));
      const all = walls(place, times);
      const minutes = unique(all.map(({ minute }) => minute));
      const hours = unique(all.map(({ hour }) => hour));
      return {
        kind: 'cron',
        zone,
        pattern: `${Math.floor(draw.between(0, 60))} ${minutes.join(',')} ${hours.join(',')} * * *`,
      };
    }
    case 'calendar': {
      const { hour, minute, second } = draw.of(walls(place, [momentOf(draw, season)]));
      const at = [hour, minute, second].map((part) => String(part).padStart(2, '0')).join(':');
      return { kind: 'calendar', zone, every: draw.of(['P1D', 'P1D', 'P2D', 'P1W', 'P1M', 'P1Y']), at };
    }
    default:
      return { kind: 'once', at: momentOf(draw, season) };
  }
}

function bounds(draw: Draw, season: Season, kind: string): Pick<ScheduleInput, 'start' | 'end' | 'maxRuns' | 'jitter'> {
  const { startsAt, durationMs } = season;
  const jitter = draw.of([2 * SECOND, 10 * SECOND, 'PT45S']);
  const [jitters, starts, ends, counts] = [0.35, 0.15, 0.2, 0.15].map((p) => draw.chance(p));
  const start = Math.round(startsAt + durationMs * draw.between(0.1, 0.4));
  const end = Math.round(startsAt + durationMs * draw.between(0.6, 1.2));
  const maxRuns = 2 + Math.floor(draw.next() * 5);
  if (kind === 'once') return jitters ? { jitter } : {};
  return {
    ...(jitters && { jitter }),
    ...(starts && { start }),
    ...(ends && kind !== 'calendar' && { end }),
    ...(counts && { maxRuns }),
  };
}

function momentOf(draw: Draw, { startsAt, durationMs }: Season): number {
  return startsAt + Math.round((durationMs * draw.between(0.1, 0.95)) / SECOND) * SECOND;
}

interface Wall {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** What clocks would show that were not changed, and what they would if they had been all along: one of the two may be in a gap, or twice there. */
function walls({ before, after }: ClockChange, instants: readonly number[]): Wall[] {
  return instants.flatMap((instant) =>
    unique([before, after]).map((offset) => {
      const wall = new Date(instant + offset * MINUTE);
      return { hour: wall.getUTCHours(), minute: wall.getUTCMinutes(), second: wall.getUTCSeconds() };
    }),
  );
}

function unique(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
