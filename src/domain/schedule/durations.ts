import type { Instant } from '../instant';
import { lastInstant } from './instants';
import { accept, refuse, type ScheduleResult } from './refusals';

/** Monday, 1970-01-05T00:00Z: where aligned intervals are counted from. */
export const alignedOrigin: Instant = Date.UTC(1970, 0, 5);

const duration = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d{1,9}))?S)?)?$/;
const units = [604_800_000, 86_400_000, 3_600_000, 60_000, 1_000];
const remedy = 'Write whole milliseconds (300000) or an ISO 8601 duration (PT5M, PT1H30M, P1D).';

/** Reads an interval: milliseconds, or an ISO 8601 duration of weeks, days (of 24 hours), hours, minutes and seconds. */
export function readInterval(input: unknown, field: string): ScheduleResult<number> {
  const wrong = (rule: string, instead = remedy) => refuse('bad-interval', field, input, rule, instead);
  let ms: number;
  if (typeof input === 'number') {
    ms = input;
  } else if (typeof input === 'string') {
    const text = input.trim().toUpperCase();
    if (/^P(\d+[YMWD])*\d+[YM]/.test(text)) {
      const instead = field === 'every' ? "Use { kind: 'calendar', every: 'P1M' }, or days." : remedy;
      return wrong('Years and months are no elapsed time: they differ in length.', instead);
    }
    const parts = duration.exec(text);
    if (!parts || /[PT]$/.test(text)) return wrong('It is not an ISO 8601 duration.');
    ms = units.reduce((sum, unit, i) => sum + Number(parts[i + 1] ?? 0) * unit, 0);
    const fraction = (parts[6] ?? '').padEnd(3, '0');
    if (/[1-9]/.test(fraction.slice(3))) return wrong('An interval must be whole milliseconds.');
    ms += Number(fraction.slice(0, 3));
  } else {
    return wrong('It must be a number of milliseconds or an ISO 8601 duration.');
  }
  if (!(ms > 0)) return wrong('An interval must be positive.');
  if (ms > lastInstant) return wrong(`An interval may have ${lastInstant} ms at most.`);
  if (!Number.isInteger(ms)) return wrong('An interval must be whole milliseconds.');
  return accept(ms);
}
