import { sixFields } from './cron-text';
import { alignedOrigin } from './durations';
import { describeCalendar } from './describe-calendar';
import type { CronSchedule, IntervalSchedule, Schedule } from './schedule';
import { listed, months, weekdays } from './word-lists';

const ordinals = ['first', 'second', 'third', 'fourth', 'fifth'];
const units: readonly [number, string][] = [
  [604_800_000, 'week'],
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
  [1, 'millisecond'],
];
/** More times of day than this are told by hour and minute instead of one by one. */
const MOST_TIMES = 6;

/** A schedule in plain words, for people: `at 02:30 on Monday to Friday (Europe/Berlin)`. */
export function describe(schedule: Schedule): string {
  const words = [core(schedule)];
  if (schedule.start !== null) words.push(`from ${iso(schedule.start)}`);
  if (schedule.end !== null) words.push(`before ${iso(schedule.end)}`);
  if (schedule.maxRuns !== null) words.push(`${schedule.maxRuns} ${schedule.maxRuns === 1 ? 'time' : 'times'} at most`);
  if (schedule.jitterMs !== undefined) words.push(`each up to ${interval(schedule.jitterMs, 'one ')} later`);
  return words.join(', ');
}

function core(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'once':
      return schedule.at === 'asap' ? 'once, as soon as possible' : `once, at ${iso(schedule.at)}`;
    case 'interval':
      return `every ${interval(schedule.everyMs)}${counted(schedule)}`;
    case 'calendar':
      return describeCalendar(schedule);
    case 'cron':
      return cron(schedule);
  }
}

function counted({ origin }: IntervalSchedule): string {
  if (origin === alignedOrigin) return ', aligned to the clock (UTC)';
  return origin === null ? '' : `, counted from ${iso(origin)}`;
}

/** @param one stands before a single unit, as in `one minute`. */
function interval(ms: number, one = ''): string {
  const parts: string[] = [];
  let left = ms;
  for (const [size, name] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0)
      parts.push(count === 1 && ms === size ? `${one}${name}` : `${count} ${name}${count === 1 ? '' : 's'}`);
  }
  return listed(parts);
}

function cron({ pattern, zone, days }: CronSchedule): string {
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = sixFields(pattern);
  const dates = dayOfMonth === '*' ? '' : items(dayOfMonth, 'day of the month', monthDay);
  const week = dayOfWeek === '*' ? '' : items(dayOfWeek, 'day of the week', weekday);
  const times = time(second, minute, hour);
  let on = '';
  if (dates && week) on = days === 'both' ? `on ${dates} if that is ${week}` : `on ${dates} and also on ${week}`;
  else if (dates || week) on = `on ${dates || week}`;
  else if (month === '*' && !times.includes('every ')) on = 'every day';
  const of = month === '*' ? '' : `in ${items(month, 'month', (n) => months[Number(n) - 1] ?? n)}`;
  return `${[times, on, of].filter(Boolean).join(' ')} (${zone})`;
}

function time(second: string, minute: string, hour: string): string {
  const [hours, minutes, seconds] = [hour, minute, second].map((field) => field.split(','));
  if ([hour, minute, second].every((field) => /^[\d,]+$/.test(field))) {
    const clock = (...numbers: string[]) => numbers.map((n) => n.padStart(2, '0')).join(':');
    const times = hours.flatMap((h) =>
      minutes.flatMap((m) => (second === '0' ? [clock(h, m)] : seconds.map((s) => clock(h, m, s)))),
    );
    if (times.length <= MOST_TIMES) return `at ${listed(times)}`;
  }
  const onTheHour = second === '0' && minute === '0';
  const inHour = withinHour(second, minute);
  if (hour === '*') {
    if (onTheHour) return 'every hour';
    return inHour.includes('every') ? inHour : `${inHour} of every hour`;
  }
  const ofHour = unit(hour, 'hour', 24);
  return onTheHour && ofHour.startsWith('every') ? ofHour : `${inHour} of ${ofHour.replace(/^at /, '')}`;
}

function withinHour(second: string, minute: string): string {
  if (second === '0') return unit(minute, 'minute', 60);
  const inMinute = unit(second, 'second', 60);
  if (minute !== '*') return `${inMinute} of ${unit(minute, 'minute', 60).replace(/^at /, '')}`;
  return inMinute.startsWith('every') ? inMinute : `${inMinute} of every minute`;
}

function unit(field: string, name: string, size: number): string {
  if (field === '*') return `every ${name}`;
  const step = /^\*\/(\d+)$/.exec(field);
  if (!step) return `at ${name} ${items(field, name, (n) => n)}`;
  const every = `every ${step[1]} ${name}s`;
  return size % Number(step[1]) === 0 ? every : `${every} from ${name} 0`;
}

function monthDay(text: string): string {
  if (text === 'L') return 'the last day of the month';
  if (text === 'LW') return 'the last weekday of the month';
  const near = /^(\d+)W$/.exec(text);
  return near ? `the weekday nearest to day ${near[1]}` : `day ${text}`;
}

function weekday(text: string): string {
  const parts = /^(\d)(?:#(\d)|(L))?$/.exec(text);
  if (!parts) return text;
  const name = weekdays[Number(parts[1])];
  if (parts[3]) return `the last ${name} of the month`;
  return parts[2] ? `the ${ordinals[Number(parts[2]) - 1]} ${name} of the month` : name;
}

/** The entries of a field's list in words; `word` tells a single value. */
function items(field: string, name: string, word: (value: string) => string): string {
  return listed(
    field.split(',').map((item) => {
      const [body, step] = item.split('/');
      if (body === '*') return step === undefined ? `any ${name}` : `every ${nth(Number(step))} ${name}`;
      const [from, to] = body.split('-');
      const range = to === undefined ? word(from) : `${word(from)} to ${word(to)}`;
      return step === undefined ? range : `${range} in steps of ${step}`;
    }),
  );
}

function nth(n: number): string {
  const teen = n % 100 > 10 && n % 100 < 14;
  return `${n}${(!teen && ['th', 'st', 'nd', 'rd'][n % 10]) || 'th'}`;
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
