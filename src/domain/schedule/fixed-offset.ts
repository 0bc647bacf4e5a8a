const FIXED = /^([+-])(\d\d):?(\d\d)$/;
const MINUTE_MS = 60_000;
const MOST_MINUTES = 23 * 60 + 59;

/**
 * Wall time minus UTC of a fixed-offset zone, in ms: `+05:30`, `-0300`. Null: the name is none, or is beyond ±23:59.
 * Such a zone has no summer time, and needs no zone data.
 */
export function fixedOffset(zone: string): number | null {
  const parts = FIXED.exec(zone);
  if (parts === null) return null;
  const [hours, minutes] = [Number(parts[2]), Number(parts[3])];
  if (hours > 23 || minutes > 59) return null;
  return (parts[1] === '-' ? -1 : 1) * (hours * 60 + minutes) * MINUTE_MS;
}

/** The name of the zone whose wall time is `minutes` ahead of UTC: `+05:30`; `UTC` for 0. @throws RangeError beyond ±23:59, or for no whole number. */
export function fixedZone(minutes: number): string {
  if (!Number.isSafeInteger(minutes) || Math.abs(minutes) > MOST_MINUTES) {
    throw new RangeError(
      `An offset of ${minutes} minutes is no zone: a whole number from -${MOST_MINUTES} to ${MOST_MINUTES}.`,
    );
  }
  if (minutes === 0) return 'UTC';
  const two = (n: number) => String(n).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
