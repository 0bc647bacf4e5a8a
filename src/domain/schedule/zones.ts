import { fixedOffset, fixedZone } from './fixed-offset';
import { accept, refuse, type ScheduleResult } from './refusals';
import type { Schedule } from './schedule';

/**
 * Reads an IANA zone, or a fixed offset (`+05:30`). Only the letter case of a name is corrected: a linked name stays what it is.
 */
export function readZone(input: unknown, field: string): ScheduleResult<string> {
  const wrong = (
    rule: string,
    remedy = 'Write an IANA name such as Europe/Berlin, UTC, or a fixed offset such as +05:30.',
  ) => refuse('bad-zone', field, input, rule, remedy);
  if (typeof input !== 'string') return wrong('A zone is a text.');
  const zone = input.trim();
  if (/^z$/i.test(zone)) return accept('UTC');
  const fixed = fixedOffset(zone);
  if (fixed !== null) return accept(fixedZone(fixed / 60_000));
  const offset = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?$/i.exec(zone);
  if (offset) return wrong('A fixed offset is written ±HH:MM, up to ±23:59.', remedyFor(offset));
  const known = knownZone(zone);
  return known === null ? wrong('There is no such time zone in the zone data of this process.') : accept(known);
}

/** Names that were found to be zones, as they are kept. Asking for one costs a fraction of a millisecond. */
const found = new Map<string, string>();
const MOST_FOUND = 1_000;

function knownZone(zone: string): string | null {
  const known = found.get(zone);
  if (known !== undefined) return known;
  try {
    const { timeZone } = new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions();
    const name = timeZone.toLowerCase() === zone.toLowerCase() ? timeZone : zone;
    if (found.size >= MOST_FOUND) found.clear();
    found.set(zone, name);
    return name;
  } catch {
    return null;
  }
}

function remedyFor([, sign, hours, minutes = '00']: RegExpExecArray): string {
  const name = 'Write the name of the zone (Europe/Berlin), which knows its summer time';
  if (Number(hours) > 23 || Number(minutes) > 59) return `${name}.`;
  return `${name}, or ${sign}${hours.padStart(2, '0')}:${minutes} if the offset never changes.`;
}

/** Whether the slots of a schedule depend on zone data: on a zone that may change its offset. */
export function usesZoneData(schedule: Schedule): boolean {
  if (schedule.kind !== 'cron' && schedule.kind !== 'calendar') return false;
  return schedule.zone !== 'UTC' && fixedOffset(schedule.zone) === null;
}

/** Releases of the zone data are named by year and letter, `2026b`. What is named otherwise is neither newer nor older. */
export function isNewerZoneData(one: string, than: string): boolean {
  const release = /^\d{4}[a-z]$/;
  return release.test(one) && release.test(than) && one > than;
}
