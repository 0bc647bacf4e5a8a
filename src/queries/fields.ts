import { oneOf, optional, refusal, whole, type Check } from '../commands';
import { readInstant, type InstantInput } from '../domain/schedule';
import type { Instant } from '../clock';
import type { JobRow } from '../read-model';

/** Every status that a job can have in a list. */
export const jobStatuses = [
  'unbound',
  'bound',
  'running',
  'waiting',
  'held',
  'paused',
  'quarantined',
  'completed',
  'cancelled',
  'removed',
  'opaque',
] as const satisfies readonly JobRow['status'][];

export const status: Check = oneOf(...jobStatuses);

/** A position of the log: a positive bigint, or its decimal string. */
export const position: Check = (value, field) => {
  if (typeof value === 'bigint' ? value > 0n : typeof value === 'string' && /^[1-9]\d{0,18}$/.test(value)) return [];
  return refusal(
    'wrong-type',
    field,
    value,
    'It must be a position of the log: a positive bigint, or the same as a decimal string.',
    'Pass the position that a command answered.',
  );
};

export const after: Check = optional(position);
export const timeoutMs: Check = optional(whole(0, 300_000));

/** Rows of one answer. */
export const limit: Check = optional(whole(1, 1_000));

/** ISO 8601 with zone or offset, a Date, or whole milliseconds since 1970. */
export const instant: Check = (value, field) => {
  const read = readInstant(value, field);
  return read.ok ? [] : [read.refusal];
};

/** The instant of a field that was checked. */
export function instantOf(input: InstantInput): Instant {
  const read = readInstant(input, '');
  if (!read.ok) throw new RangeError(read.refusal.rule);
  return read.value;
}
