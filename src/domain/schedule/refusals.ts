import type { Refusal, Result } from '../refusal';

/**
 * Why a schedule was not accepted.
 * - `bad-schedule`: not an object, an unknown kind, an unknown or a missing field
 * - `bad-instant`: not an instant, or not between 1970 and 9999
 * - `bad-interval`: not a positive whole number of milliseconds
 * - `bad-calendar`: a field of kind `calendar` is not what it should be
 * - `bad-pattern`: not a cron pattern; `rule` names the field and its place
 * - `bad-zone`: not an IANA time zone that this process knows
 * - `bad-bounds`: `end` not after `start`, or `maxRuns` not a whole number from 1 on
 * - `never-fires`: well formed, but without a slot
 * - `too-frequent`: slots nearer to each other than the limit of this service allows
 */
export type ScheduleRefusalCode =
  | 'bad-schedule'
  | 'bad-instant'
  | 'bad-interval'
  | 'bad-calendar'
  | 'bad-pattern'
  | 'bad-zone'
  | 'bad-bounds'
  | 'never-fires'
  | 'too-frequent';

export type ScheduleResult<T> = Result<T, ScheduleRefusalCode>;

const LONGEST_VALUE = 100;

/** A refusal of the schedule's part `field` (a path below `schedule`; empty for the whole). */
export function refuse(
  code: ScheduleRefusalCode,
  field: string,
  value: unknown,
  rule: string,
  remedy: string,
): { readonly ok: false; readonly refusal: Refusal<ScheduleRefusalCode> } {
  const path = field === '' ? 'schedule' : `schedule.${field}`;
  return { ok: false, refusal: { code, field: path, value: shown(value), rule, remedy } };
}

export function accept<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

function shown(value: unknown): string {
  const text = plain(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text;
}

function plain(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return Array.isArray(value) ? 'an array' : 'an object';
  }
}
