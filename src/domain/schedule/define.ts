import type { Instant } from '../instant';
import { calendarWalls } from './calendar-walls';
import { readPattern } from './cron-text';
import { wallTimes } from './cron-walls';
import { readCalendar } from './define-calendar';
import { alignedOrigin, readInterval } from './durations';
import { shortestGapMs } from './frequency';
import { firstInstant, readInstant } from './instants';
import { accept, refuse, type ScheduleResult } from './refusals';
import type {
  CalendarSchedule,
  CronSchedule,
  IntervalSchedule,
  OnceSchedule,
  Schedule,
  ScheduleBounds,
} from './schedule';
import { nextSlot } from './slots';
import { readZone } from './zones';

type Fields = Readonly<Record<string, unknown>>;

const bounds = ['start', 'end', 'maxRuns', 'jitter'];
const fieldsOf: Readonly<Record<Schedule['kind'], readonly string[]>> = {
  once: ['kind', 'at', ...bounds],
  interval: ['kind', 'every', 'origin', 'aligned', ...bounds],
  cron: ['kind', 'pattern', 'zone', 'days', ...bounds],
  calendar: ['kind', 'every', 'at', 'zone', 'origin', 'weekdays', 'day', 'missing', ...bounds],
};
const kinds = Object.keys(fieldsOf);

export interface ScheduleLimits {
  /** No two slots may be nearer to each other than a second divided by this. */
  readonly maxFiresPerSecond: number;
}

/**
 * Reads a schedule as people write it (`ScheduleInput`, or whatever came as JSON; null means the same as absent) and gives its
 * canonical form: inputs that mean the same give deeply equal schedules with their keys in the same order.
 *
 * @param now the instant of the decision. With it a schedule is refused, too, that has no slot from `now` on (`never-fires`);
 *   an instant of `once` that has passed is not refused. Without it only what is wrong at any time is refused.
 * @param limits what this service takes; null: everything.
 * @returns the schedule, or a refusal whose field begins with `schedule`.
 */
export function defineSchedule(
  input: unknown,
  now: Instant | null = null,
  limits: ScheduleLimits | null = null,
): ScheduleResult<Schedule> {
  const fields = readFields(input);
  if (!fields.ok) return fields;
  const bounded = readBounds(fields.value);
  if (!bounded.ok) return bounded;
  const schedule = readKind(fields.value, bounded.value);
  if (!schedule.ok) return schedule;
  return refuseFrequent(schedule.value, limits) ?? refuseNever(schedule.value, now);
}

function readFields(input: unknown): ScheduleResult<Fields> {
  const example =
    "Write { kind: 'once' }, { kind: 'interval', every: 'PT5M' }, { kind: 'cron', pattern: '@daily' } or { kind: 'calendar', every: 'P1M' }.";
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return refuse('bad-schedule', '', input, 'A schedule must be an object.', example);
  }
  const fields: Fields = Object.fromEntries(Object.entries(input).filter(([, v]) => v !== undefined && v !== null));
  const { kind } = fields;
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    const rule = kind === undefined ? 'A schedule must have a kind.' : 'There is no such kind of schedule.';
    return refuse('bad-schedule', 'kind', kind, rule, example);
  }
  const known = fieldsOf[kind as Schedule['kind']];
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const rule = `A schedule of kind ${kind} has no field ${JSON.stringify(unknown.slice(0, 50))}.`;
    return refuse('bad-schedule', unknown.slice(0, 50), fields[unknown], rule, `Its fields are ${known.join(', ')}.`);
  }
  const needed = kind === 'once' ? null : kind === 'cron' ? 'pattern' : 'every';
  if (needed !== null && fields[needed] === undefined) {
    return refuse('bad-schedule', needed, undefined, `A schedule of kind ${kind} must have ${needed}.`, example);
  }
  return accept(fields);
}

function readBounds({ start, end, maxRuns = null, jitter = 0 }: Fields): ScheduleResult<ScheduleBounds> {
  const from = start === undefined ? accept(null) : readInstant(start, 'schedule.start');
  if (!from.ok) return from;
  const to = end === undefined ? accept(null) : readInstant(end, 'schedule.end');
  if (!to.ok) return to;
  if (from.value !== null && to.value !== null && to.value <= from.value) {
    const rule = `The end must be after the start (${iso(from.value)}); the end itself is excluded.`;
    return refuse('bad-bounds', 'end', end, rule, 'Move one of them.');
  }
  if (maxRuns !== null && !(Number.isSafeInteger(maxRuns) && (maxRuns as number) >= 1)) {
    return refuse(
      'bad-bounds',
      'maxRuns',
      maxRuns,
      'maxRuns must be a whole number from 1 on.',
      'Leave it out for no limit.',
    );
  }
  const jitterMs = jitter === 0 ? accept(0) : readInterval(jitter, 'jitter');
  if (!jitterMs.ok) {
    const { refusal } = jitterMs;
    return { ok: false, refusal: { ...refusal, remedy: `${refusal.remedy} Leave it out, or write 0, for none.` } };
  }
  const bounded = { start: from.value, end: to.value, maxRuns: maxRuns as number | null };
  // Left out where there is none: a definition of before there was jitter stays the same text.
  return accept(jitterMs.value === 0 ? bounded : { ...bounded, jitterMs: jitterMs.value });
}

function readKind(fields: Fields, bounded: ScheduleBounds): ScheduleResult<Schedule> {
  switch (fields.kind as Schedule['kind']) {
    case 'once':
      return readOnce(fields, bounded);
    case 'interval':
      return readEvery(fields, bounded);
    case 'cron':
      return readCron(fields, bounded);
    case 'calendar':
      return readCalendar(fields, bounded);
  }
}

function readOnce({ at = 'asap' }: Fields, bounded: ScheduleBounds): ScheduleResult<OnceSchedule> {
  if (at === 'asap') return accept({ kind: 'once', at, ...bounded });
  const instant = readInstant(at, 'schedule.at');
  return instant.ok ? accept({ kind: 'once', at: instant.value, ...bounded }) : instant;
}

function readEvery(
  { every, origin, aligned = false }: Fields,
  bounded: ScheduleBounds,
): ScheduleResult<IntervalSchedule> {
  const everyMs = readInterval(every, 'every');
  if (!everyMs.ok) return everyMs;
  if (typeof aligned !== 'boolean') {
    return refuse('bad-schedule', 'aligned', aligned, 'It must be true or false.', 'Leave it out for false.');
  }
  if (aligned && origin !== undefined) {
    const rule = 'An interval has one origin: aligned is one, too.';
    return refuse('bad-schedule', 'origin', origin, rule, 'Leave out one of the two.');
  }
  const from = aligned
    ? accept(alignedOrigin)
    : origin === undefined
      ? accept(null)
      : readInstant(origin, 'schedule.origin');
  if (!from.ok) return from;
  // The start is the origin anyway where none is given.
  const ownOrigin = from.value === bounded.start ? null : from.value;
  return accept({ kind: 'interval', everyMs: everyMs.value, origin: ownOrigin, ...bounded });
}

function readCron(fields: Fields, bounded: ScheduleBounds): ScheduleResult<CronSchedule> {
  const { zone = 'UTC', days = null } = fields;
  if (days !== null && days !== 'either' && days !== 'both') {
    const rule = "days says how the day of month and the day of week go together: 'either' or 'both'.";
    return refuse('bad-schedule', 'days', days, rule, 'Write one of them, or leave it out for either.');
  }
  const text = readPattern(fields.pattern, days);
  if (!text.ok) return text;
  const known = readZone(zone, 'zone');
  if (!known.ok) return known;
  const { pattern } = text.value;
  return accept({ kind: 'cron', pattern, zone: known.value, days: text.value.days, ...bounded });
}

function refuseFrequent(schedule: Schedule, limits: ScheduleLimits | null): ScheduleResult<Schedule> | null {
  if (limits === null) return null;
  const [gap, least] = [shortestGapMs(schedule), 1_000 / limits.maxFiresPerSecond];
  if (gap >= least) return null;
  const [field, value] = schedule.kind === 'cron' ? ['pattern', schedule.pattern] : ['every', `${gap} ms`];
  const most = `${limits.maxFiresPerSecond} per second (maxFiresPerSecond)`;
  const rule = `Slots ${gap} ms apart are too many: this service takes at most ${most}, so ${Math.ceil(least)} ms between two.`;
  return refuse(
    'too-frequent',
    field,
    value,
    rule,
    'Choose a longer interval, do more in one run, or raise the limit.',
  );
}

function refuseNever(schedule: Schedule, now: Instant | null): ScheduleResult<Schedule> {
  const never = (field: string, value: unknown, rule: string, remedy: string) =>
    refuse('never-fires', field, value, rule, remedy);
  const { kind, start, end } = schedule;
  if (kind === 'cron' && wallTimes(schedule.pattern, schedule.days).next(0) === null) {
    const rule = 'No day of the calendar matches this pattern, in 400 years.';
    return never('pattern', schedule.pattern, rule, 'Check the day of the month against the month.');
  }
  if (kind === 'calendar' && schedule.day !== null && dayNeverComes(schedule)) {
    const rule = 'No month that this schedule comes to has that day.';
    return never('day', schedule.day, rule, "Choose another day or origin, or missing: 'last'.");
  }
  if (kind === 'once' && schedule.at !== 'asap' && start !== null && schedule.at < start) {
    const rule = `The instant lies before the start (${iso(start)}).`;
    return never('at', iso(schedule.at), rule, 'Leave the start out; once needs none.');
  }
  if (now === null && dependsOnAnchor(schedule)) return accept(schedule);
  // What was to happen once and is late is still to happen.
  const after = kind === 'once' || now === null ? firstInstant - 1 : now;
  if (nextSlot({ schedule, anchor: now ?? firstInstant }, after) !== null) return accept(schedule);
  if (end !== null)
    return never('end', iso(end), 'No slot comes before the end.', 'Choose a later end, or leave it out.');
  return never('', schedule, 'No slot comes before the year 10000.', 'Choose a shorter interval or an earlier start.');
}

/** In no month, and not only in none before the end. */
function dayNeverComes(schedule: CalendarSchedule): boolean {
  return (schedule.origin !== null || schedule.every === 1) && calendarWalls(schedule, 0).next(0) === null;
}

function dependsOnAnchor(schedule: Schedule): boolean {
  if (schedule.kind === 'once') return schedule.at === 'asap';
  return (
    (schedule.kind === 'interval' || schedule.kind === 'calendar') &&
    schedule.origin === null &&
    schedule.start === null
  );
}

function iso(instant: Instant): string {
  return new Date(instant).toISOString();
}
