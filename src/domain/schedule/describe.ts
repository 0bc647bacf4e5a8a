import { sixFields } from './cron-text';
import type { CronSchedule, Schedule } from './schedule';

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
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
  return words.join(', ');
}

function core(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'once':
      return schedule.at === 'asap' ? 'once, as soon as possible' : `once, at ${iso(schedule.at)}`;
    case 'interval': {
      const counted = schedule.origin === null ? '' : `, counted from ${iso(schedule.origin)}`;
      return `every ${interval(schedule.everyMs)}${counted}`;
    }
    case 'cron':
      return cron(schedule);
  }
}

function interval(ms: number): string {
  const parts: string[] = [];
  let left = ms;
  for (const [size, name] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(count === 1 && ms === size ? name : `${count} ${name}${count === 1 ? '' : 's'}`);
  }
  return listed(parts);
}

function cron({ pattern, zone, days }: CronSchedule): string {
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = sixFields(pattern);
  const dates = dayOfMonth === '*' ? '' : `on ${items(dayOfMonth, monthDay)}`;
  const week = dayOfWeek === '*' ? '' : `on ${items(dayOfWeek.replace(/^\+/, ''), weekday)}`;
  const both = days === 'both' || dayOfWeek.startsWith('+');
  const on = dates && week ? `${dates} ${both ? 'if it is also' : 'and also'} ${week}` : dates || week;
  const times = time(second, minute, hour);
  const every = on === '' && month === '*' && times.startsWith('at ') && !times.includes('every ') ? 'every day' : on;
  const parts = [times, every, month === '*' ? '' : `in ${items(month, (n) => months[Number(n) - 1] ?? n)}`];
  return `${parts.filter(Boolean).join(' ')} (${zone})`;
}

function time(second: string, minute: string, hour: string): string {
  const fields = [hour, minute, second];
  if (fields.every((field) => /^[\d,]+$/.test(field))) {
    const [hours, minutes, seconds] = fields.map((field) => field.split(','));
    const withSeconds = second !== '0';
    const times = hours.flatMap((h) =>
      minutes.flatMap((m) =>
        seconds.map((s) => [h, m, ...(withSeconds ? [s] : [])].map((n) => n.padStart(2, '0')).join(':')),
      ),
    );
    if (times.length <= MOST_TIMES) return `at ${listed(times)}`;
  }
  const parts = [second === '0' ? '' : unit(second, 'second', 60), unit(minute, 'minute', 60)].filter(Boolean);
  if (second !== '0' && minute === '*') parts.pop();
  const words = parts.join(' of ');
  if (hour === '*')
    return minute === '0' && second === '0' ? 'every hour' : /^\d/.test(minute) ? `${words} of every hour` : words;
  return `${words} of ${unit(hour, 'hour', 24).replace(/^at /, '')}`.replace(
    /^at minute 0 of every/,
    'at minute 0 of every',
  );
}

function unit(field: string, name: string, size: number): string {
  if (field === '*') return `every ${name}`;
  const step = /^\*\/(\d+)$/.exec(field);
  if (step) return size % Number(step[1]) === 0 ? `every ${step[1]} ${name}s` : `every ${step[1]} ${name}s from 0`;
  return `at ${name} ${items(field, (n) => n)}`;
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
function items(field: string, word: (value: string) => string): string {
  return listed(
    field.split(',').map((item) => {
      const [body, step] = item.split('/');
      const [from, to] = body.split('-');
      const range = body === '*' ? 'any' : to === undefined ? word(from) : `${word(from)} to ${word(to)}`;
      return step === undefined
        ? range
        : body === '*'
          ? `every ${step} from the first`
          : `${range} in steps of ${step}`;
    }),
  );
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
