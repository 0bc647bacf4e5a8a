import type { Instant } from '../instant';
import { accept, refuse, type ScheduleResult } from './refusals';

/** Slots and bounds lie between these, both inclusive: beyond them ISO 8601 texts and zone data are no longer plain. */
export const firstInstant: Instant = 0;
export const lastInstant: Instant = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

const iso = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?([Zz]|([+-])(\d\d):?(\d\d)?)$/;
const remedy =
  'Write an ISO 8601 text with zone or offset (2026-03-29T01:00:00Z), a Date, or whole milliseconds since 1970.';

/** Reads an instant as people write it. Fractions beyond the millisecond are cut. @param field its path, as a refusal names it. */
export function readInstant(input: unknown, field: string): ScheduleResult<Instant> {
  const wrong = (rule: string) => {
    const { ok, refusal } = refuse('bad-instant', '', input, rule, remedy);
    return { ok, refusal: { ...refusal, field } };
  };
  let instant: number;
  if (typeof input === 'number') {
    if (!Number.isInteger(input))
      return wrong('An instant in numbers is whole milliseconds since 1970-01-01T00:00:00Z.');
    instant = input;
  } else if (input instanceof Date) {
    instant = input.getTime();
    if (Number.isNaN(instant)) return wrong('It is an invalid Date.');
  } else if (typeof input === 'string') {
    const parts = iso.exec(input.trim());
    if (!parts) {
      return wrong(
        /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d[\d:.,]*)?$/.test(input.trim())
          ? 'An instant needs a time of day and a zone or offset: without them it means another instant on every machine.'
          : 'It is not an ISO 8601 instant.',
      );
    }
    const parsed = fromParts(parts);
    if (parsed === null) return wrong('There is no such date or time of day.');
    instant = parsed;
  } else {
    return wrong('It must be an instant.');
  }
  if (instant < firstInstant || instant > lastInstant)
    return wrong('An instant must lie between the years 1970 and 9999.');
  // `-0` would make two equal definitions differ.
  return accept(instant + 0);
}

function fromParts(parts: RegExpExecArray): Instant | null {
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0));
  const ms = Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const wall = Date.UTC(year, month - 1, day, hour, minute, second, ms);
  const date = new Date(wall);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  if (!parts[9]) return wall;
  const [offsetHours, offsetMinutes] = [Number(parts[10]), Number(parts[11] ?? 0)];
  if (offsetHours > 23 || offsetMinutes > 59) return null;
  const offset = (offsetHours * 60 + offsetMinutes) * 60_000;
  return parts[9] === '-' ? wall + offset : wall - offset;
}
