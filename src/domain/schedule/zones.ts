import { accept, refuse, type ScheduleResult } from './refusals';

/** Reads an IANA zone. Only the letter case is corrected: a linked name stays what it is. */
export function readZone(input: unknown, field: string): ScheduleResult<string> {
  const wrong = (rule: string, remedy = 'Write an IANA name such as Europe/Berlin, or UTC.') =>
    refuse('bad-zone', field, input, rule, remedy);
  if (typeof input !== 'string') return wrong('A zone is a text.');
  const zone = input.trim();
  const offset = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?$/i.exec(zone);
  if (offset) return wrong('A fixed offset is no time zone.', remedyFor(offset));
  const known = knownZone(zone);
  return known === null ? wrong('There is no such time zone in the zone data of this process.') : accept(known);
}

function knownZone(zone: string): string | null {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions();
    return timeZone.toLowerCase() === zone.toLowerCase() ? timeZone : zone;
  } catch {
    return null;
  }
}

function remedyFor([, sign, hours, minutes = '00']: RegExpExecArray): string {
  const name = 'Write the name of the zone (Europe/Berlin), which knows its summer time';
  const whole = Number(hours);
  if (minutes !== '00' || whole > (sign === '+' ? 14 : 12)) return `${name}.`;
  // The signs of the Etc zones are inverted.
  const etc = whole === 0 ? 'UTC' : `Etc/GMT${sign === '+' ? '-' : '+'}${whole}`;
  return `${name}, or ${etc} if the offset never changes.`;
}
