import type { CalendarSchedule } from './schedule';
import { listed, months, times, weekdays } from './word-lists';

/** `every 3 months on day 31, or the last day of a shorter month, at 09:00 (Europe/Berlin), counted from January 2026`. */
export function describeCalendar(schedule: CalendarSchedule): string {
  const { at, zone, origin } = schedule;
  const parts = [`every ${period(schedule)}`, on(schedule), `at ${at}`].filter(Boolean);
  return `${parts.join(' ')} (${zone})${origin === null ? '' : `, counted from ${from(origin, schedule)}`}`;
}

function period({ every, unit }: CalendarSchedule): string {
  return unit === 'month' && every % 12 === 0 ? times(every / 12, 'year') : times(every, unit);
}

function on({ unit, weekdays: days, day, missing }: CalendarSchedule): string {
  if (unit === 'day') return '';
  if (unit === 'week') return `on ${listed(days.map((weekday) => weekdays[weekday]))}`;
  const lacking = missing === 'skip' ? ', where the month has it,' : ', or the last day of a shorter month,';
  if (day === null) return `on the day of the month on which it begins${lacking}`;
  if (day === 'last') return 'on the last day of the month';
  return `on day ${day}${day > 28 ? lacking : ''}`;
}

function from(origin: string, { unit }: CalendarSchedule): string {
  if (unit === 'day') return origin;
  if (unit === 'week') return `the week of ${origin}`;
  const [year, month] = origin.split('-');
  return `${months[Number(month) - 1]} ${year}`;
}
