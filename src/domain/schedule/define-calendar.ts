import { dayOfDate } from './calendar-walls';
import { DAY_MS } from './days';
import { firstInstant, lastInstant } from './instants';
import { accept, refuse, type ScheduleResult } from './refusals';
import type { CalendarSchedule, ScheduleBounds } from './schedule';
import { readZone } from './zones';

type Fields = Readonly<Record<string, unknown>>;
type Period = Pick<CalendarSchedule, 'every' | 'unit'>;

const names = ['MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT', 'SUN'];
/** Every month and every year has it. */
const SHORTEST_MONTH = 28;
/** All the years there are. */
const MOST_MONTHS = 8_030 * 12;

/** Reads the fields of kind `calendar`, and brings them into the form in which equal ones are equal. */
export function readCalendar(fields: Fields, bounded: ScheduleBounds): ScheduleResult<CalendarSchedule> {
  const { zone = 'UTC' } = fields;
  const period = readPeriod(fields.every);
  if (!period.ok) return period;
  const at = readTimeOfDay(fields.at ?? '00:00');
  if (!at.ok) return at;
  const known = readZone(zone, 'zone');
  if (!known.ok) return known;
  const origin = readDate(fields.origin ?? null);
  if (!origin.ok) return origin;
  const misplaced = refuseMisplaced(fields, period.value.unit);
  if (misplaced !== null) return misplaced;
  const weekdays = readWeekdays(fields.weekdays ?? []);
  if (!weekdays.ok) return weekdays;
  const day = readDay(fields.day ?? null);
  if (!day.ok) return day;
  const { missing = 'last' } = fields;
  if (missing !== 'last' && missing !== 'skip') {
    const rule = 'missing says what becomes of a month that lacks the day.';
    return refuse('bad-calendar', 'missing', missing, rule, 'Write last (its last day instead) or skip (no slot).');
  }
  const schedule = { kind: 'calendar', ...period.value, weekdays: weekdays.value, day: day.value, missing } as const;
  return accept({ ...plain({ ...schedule, at: at.value, zone: known.value, origin: origin.value }), ...bounded });
}

/** What says the same in fewer words. An origin that makes no difference is left out. */
function plain(schedule: Omit<CalendarSchedule, keyof ScheduleBounds>): Omit<CalendarSchedule, keyof ScheduleBounds> {
  const { every, unit, weekdays, origin } = schedule;
  if (unit === 'week' && weekdays.length === 0) return plain({ ...schedule, every: every * 7, unit: 'day' });
  if (unit === 'week' && weekdays.length === 7 && every === 1) {
    return plain({ ...schedule, unit: 'day', weekdays: [] });
  }
  if (unit === 'day') return { ...schedule, missing: 'last', origin: every === 1 ? null : origin };
  if (unit === 'week') {
    const date = new Date((origin === null ? 0 : dayOfDate(origin)) * DAY_MS);
    const monday = date.getTime() - ((date.getUTCDay() + 6) % 7) * DAY_MS;
    return { ...schedule, missing: 'last', origin: every === 1 || origin === null ? null : dateOf(monday) };
  }
  const day = schedule.day ?? (origin === null ? null : Number(origin.slice(8)));
  const skips = day === null || (day !== 'last' && day > SHORTEST_MONTH);
  // The origin of months with a given day tells which months.
  const month = day === null || every === 1 ? null : (origin?.replace(/\d\d$/, '01') ?? null);
  return { ...schedule, day, missing: skips ? schedule.missing : 'last', origin: month };
}

function readPeriod(input: unknown): ScheduleResult<Period> {
  const remedy = 'Write one of P1D (days), P2W (weeks), P1M (months), P1Y (years).';
  const wrong = (rule: string, instead = remedy) => refuse('bad-interval', 'every', input, rule, instead);
  if (typeof input !== 'string') return wrong('It must be an ISO 8601 duration of days, weeks, months or years.');
  const text = input.trim().toUpperCase();
  if (/T\d/.test(text)) {
    return wrong('A calendar has no hours: at says the time of day.', "Use { kind: 'interval' } for elapsed time.");
  }
  const [, years, months, weeks, days] = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?$/.exec(text) ?? [];
  const given = [years ?? months, weeks, days].filter((part) => part !== undefined);
  if (given.length === 0) return wrong('It is not an ISO 8601 duration of days, weeks, months or years.');
  if (given.length > 1) return wrong('Days, weeks and months cannot be added up: they differ in length.');
  const all = Number(years ?? 0) * 12 + Number(months ?? 0);
  const unit = days !== undefined ? 'day' : weeks !== undefined ? 'week' : 'month';
  const every = unit === 'month' ? all : Number(given[0]);
  if (every === 0) return wrong('A period must be positive.');
  const most = unit === 'month' ? MOST_MONTHS : lastInstant / DAY_MS;
  if (every > most) return wrong('A period must be shorter than all the years up to 9999.');
  return accept({ every, unit });
}

function readTimeOfDay(input: unknown): ScheduleResult<string> {
  const parts = typeof input === 'string' ? /^(\d\d?):(\d\d)(?::(\d\d))?$/.exec(input.trim()) : null;
  const [hours, minutes, seconds] = (parts ?? []).slice(1).map((part) => Number(part ?? 0));
  if (parts === null || hours > 23 || minutes > 59 || seconds > 59) {
    const rule = 'It is not a time of day from 00:00 to 23:59:59.';
    return refuse('bad-calendar', 'at', input, rule, 'Write 09:30, or 09:30:15 with seconds.');
  }
  const shown = seconds === 0 ? [hours, minutes] : [hours, minutes, seconds];
  return accept(shown.map((part) => String(part).padStart(2, '0')).join(':'));
}

function readDate(input: unknown): ScheduleResult<string | null> {
  if (input === null) return accept(null);
  const wrong = (rule: string) =>
    refuse('bad-calendar', 'origin', input, rule, 'Write a date of the zone, such as 2026-01-31.');
  if (typeof input !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(input.trim())) return wrong('It is not a date.');
  const date = input.trim();
  const instant = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(instant) || dateOf(instant) !== date) return wrong('There is no such date.');
  if (instant < firstInstant || instant > lastInstant) return wrong('It must lie between the years 1970 and 9999.');
  return accept(date);
}

/** Fields that say nothing for this unit. */
function refuseMisplaced(fields: Fields, unit: Period['unit']) {
  const only = (field: string, rule: string, remedy: string) =>
    refuse('bad-calendar', field, fields[field], rule, remedy);
  if (unit !== 'week' && fields.weekdays !== undefined) {
    return only('weekdays', 'Weekdays go with weeks.', 'Write every: P1W, or leave them out.');
  }
  if (unit === 'month') return null;
  const field = fields.day !== undefined ? 'day' : fields.missing !== undefined ? 'missing' : null;
  if (field === null) return null;
  return only(field, `${field} goes with months and years.`, 'Write every: P1M or P1Y, or leave it out.');
}

function readWeekdays(input: unknown): ScheduleResult<readonly number[]> {
  const remedy = 'Write a list of MON, TUE, WED, THU, FRI, SAT, SUN, or of 1 (Monday) to 7.';
  const wrong = (value: unknown, rule: string) => refuse('bad-calendar', 'weekdays', value, rule, remedy);
  if (!Array.isArray(input)) return wrong(input, 'Weekdays are a list.');
  const found = new Set<number>();
  for (const one of input as readonly unknown[]) {
    const weekday = typeof one === 'string' ? names.indexOf(one.trim().toUpperCase()) + 1 : one;
    if (typeof weekday !== 'number' || !Number.isInteger(weekday) || weekday < 1 || weekday > 7) {
      return wrong(one, 'It is not a weekday.');
    }
    found.add(weekday);
  }
  return accept([...found].sort((a, b) => a - b));
}

function readDay(input: unknown): ScheduleResult<number | 'last' | null> {
  if (input === null || input === 'last') return accept(input);
  if (typeof input === 'number' && Number.isInteger(input) && input >= 1 && input <= 31) return accept(input);
  return refuse('bad-calendar', 'day', input, 'It is not a day of the month.', 'Write 1 to 31, or last.');
}

function dateOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}
