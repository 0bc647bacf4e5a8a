import type { Refusal } from '../../domain/refusal';
import { readInterval } from '../../domain/schedule';

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const WORDS = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w)\s*)+$/;
const WORD = /(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g;

/** How long: milliseconds, words (`'250ms'`, `'90s'`, `'1h 30m'`, `'2d'`; a day has 24 hours), or an ISO 8601 duration (`'PT1H'`). */
export type VirtualDuration = number | string;

/** @throws RangeError that names the value, the rule and the remedy. */
export function millisecondsOf(duration: VirtualDuration, field = 'duration'): number {
  if (duration === 0) return 0;
  const text = typeof duration === 'string' ? duration.trim().toLowerCase() : '';
  if (WORDS.test(text)) {
    const ms = [...text.matchAll(WORD)].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0);
    return Math.round(ms);
  }
  const read = readInterval(duration, field);
  if (read.ok) return read.value;
  throw new RangeError(wordsOf(read.refusal, duration));
}

function wordsOf({ field, rule }: Refusal, value: VirtualDuration): string {
  return `${field} = ${JSON.stringify(value)}: ${rule} Write milliseconds (90000), words ('1h 30m', '90s', '250ms') or an ISO 8601 duration ('PT1H').`;
}
