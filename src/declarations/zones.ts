import type { Refusal, Result } from '../domain/refusal';

/**
 * The zone of a `@Cron` as a schedule writes it: an IANA name, or a fixed offset as `±hh:mm`. The forms of `timeZone` are those of Luxon
 * (`UTC+3`, `local`, …), those of `utcOffset` those of the `cron` package: minutes.
 *
 * @param processZone what holds where nothing is said.
 */
export function zoneOf(timeZone: unknown, utcOffset: unknown, processZone: string): Result<string> {
  if (timeZone != null && utcOffset != null) {
    return refuse('utcOffset', utcOffset, 'It cannot be given together with timeZone.', 'Leave one of the two out.');
  }
  if (utcOffset != null) return offsetOf(utcOffset);
  if (timeZone == null) return { ok: true, value: processZone };
  if (typeof timeZone !== 'string') {
    return refuse('timeZone', timeZone, 'A zone is a text.', 'Write an IANA name such as Europe/Berlin.');
  }
  const lowered = timeZone.trim().toLowerCase();
  if (lowered === 'local' || lowered === 'system' || lowered === 'default') return { ok: true, value: processZone };
  if (lowered === '' || lowered === 'utc' || lowered === 'gmt') return { ok: true, value: 'UTC' };
  const [, sign, hours, minutes = '00'] = /^utc([+-])(\d{1,2})(?::(\d\d))?$/.exec(lowered) ?? [];
  if (sign === undefined) return { ok: true, value: timeZone.trim() };
  const total = Number(hours) * 60 + Number(minutes);
  return fixed('timeZone', timeZone, sign === '-' ? -total : total);
}

function offsetOf(utcOffset: unknown): Result<string> {
  // Numbers in texts are what environment variables give, and `cron` takes them.
  const minutes = typeof utcOffset === 'string' && utcOffset.trim() !== '' ? Number(utcOffset) : utcOffset;
  if (typeof minutes !== 'number' || !Number.isInteger(minutes)) {
    const remedy = 'Write 120 for +02:00, or -90 for -01:30; for a zone with summer time use timeZone.';
    return refuse('utcOffset', utcOffset, 'It must be a whole number of minutes.', remedy);
  }
  return fixed('utcOffset', utcOffset, minutes);
}

/** The widest offset that is written so. */
const WIDEST_MINUTES = 18 * 60;

function fixed(field: string, value: unknown, minutes: number): Result<string> {
  if (Math.abs(minutes) > WIDEST_MINUTES) {
    return refuse(
      field,
      value,
      'An offset lies between -18:00 and +18:00.',
      'utcOffset counts minutes: +02:00 is 120.',
    );
  }
  if (minutes === 0) return { ok: true, value: 'UTC' };
  const size = Math.abs(minutes);
  const two = (n: number) => String(n).padStart(2, '0');
  return { ok: true, value: `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}` };
}

function refuse(field: string, value: unknown, rule: string, remedy: string): { readonly ok: false; refusal: Refusal } {
  return { ok: false, refusal: { code: 'bad-zone', field, value: String(value).slice(0, 100), rule, remedy } };
}
