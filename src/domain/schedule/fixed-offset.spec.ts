import fc from 'fast-check';
import { countSlots, defineSchedule, describe as words, fixedZone, nextSlot, previousSlot, slotsBetween } from '.';

const MINUTE_MS = 60_000;

function anchored(pattern: string, zone: string) {
  const defined = defineSchedule({ kind: 'cron', pattern, zone });
  if (!defined.ok) throw new Error(JSON.stringify(defined));
  return { schedule: defined.value, anchor: 0 };
}

describe('a zone with a fixed offset', () => {
  const patterns = [
    '0 0 2 * * *',
    '30 15 2,14 * * 1-5',
    '*/7 * * * * *',
    '0 30 * * * *',
    '0 0 0 L * *',
    '0 0 12 29 2 *',
  ];
  const instants = fc.integer({ min: Date.UTC(1971, 0, 1), max: Date.UTC(2090, 0, 1) });
  const offsets = fc.integer({ min: -1_439, max: 1_439 });

  it('has the slots of UTC, shifted', () => {
    fc.assert(
      fc.property(fc.constantFrom(...patterns), offsets, instants, (pattern, minutes, at) => {
        const shift = minutes * MINUTE_MS;
        const [here, utc] = [anchored(pattern, fixedZone(minutes)), anchored(pattern, 'UTC')];
        const shifted = (slot: number | null) => (slot === null ? null : slot - shift);
        expect(nextSlot(here, at)).toBe(shifted(nextSlot(utc, at + shift)));
        expect(previousSlot(here, at)).toBe(shifted(previousSlot(utc, at + shift)));
        const to = at + 3 * 86_400_000;
        expect(countSlots(here, at, to)).toBe(countSlots(utc, at + shift, to + shift));
        expect(slotsBetween(here, at, to, 20)).toEqual(slotsBetween(utc, at + shift, to + shift, 20).map(shifted));
      }),
    );
  });

  it('has no summer time', () => {
    const slots = slotsBetween(anchored('0 30 2 * * *', '+01:00'), Date.UTC(2026, 2, 28), Date.UTC(2026, 2, 31), 9);
    expect(slots.map((slot) => new Date(slot).toISOString())).toEqual(
      ['28', '29', '30'].map((day) => `2026-03-${day}T01:30:00.000Z`),
    );
  });

  it('ends with the last slot that can be', () => {
    const yearly = anchored('0 0 0 1 1 *', '-12:00');
    expect(nextSlot(yearly, Date.UTC(9999, 0, 1, 12))).toBeNull();
    expect(previousSlot(yearly, Date.UTC(1970, 0, 1, 12))).toBeNull();
  });

  it('is named in words', () => {
    expect(words(anchored('0 30 2 * * *', '+05:30').schedule)).toBe('at 02:30 every day (+05:30)');
    expect([fixedZone(330), fixedZone(-570), fixedZone(0)]).toEqual(['+05:30', '-09:30', 'UTC']);
    for (const minutes of [1_440, -1_440, 1.5, NaN]) expect(() => fixedZone(minutes)).toThrow(RangeError);
  });
});
