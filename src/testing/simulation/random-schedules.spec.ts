import { defineSchedule, slotsBetween } from '../../domain/schedule';
import { Draw, drawn } from './draws';
import { clockChanges, randomSchedule, randomSeason } from './random-schedules';
import { randomScript } from './random-script';

const DURATION_MS = 600_000;

/** What clocks in a zone show, minutes from UTC; read from `Intl`, which the schedules of the domain are not computed with in the same way. */
function offsetAt(zone: string, instant: number): number {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  const [day, month, year, hour, minute, second] = (format.format(instant).match(/\d+/g) ?? []).map(Number);
  return (Date.UTC(year, month - 1, day, hour, minute, second) - instant) / 60_000;
}

describe('random schedules', () => {
  it.each(clockChanges)('$zone changes its clocks then: $at', ({ zone, at, before, after }) => {
    expect([offsetAt(zone, at - 1_000), offsetAt(zone, at)]).toEqual([before, after]);
  });

  it('are of every kind, and nearly all are taken at the door and have slots within their world; many after its clocks have changed', () => {
    const draw = new Draw(drawn(1, 'schedules'));
    const kinds = new Map<string, number>();
    let [withSlots, afterChange, refused] = [0, 0, 0];
    const drawnOnes = 400;
    for (let n = 0; n < drawnOnes; n++) {
      const season = randomSeason(draw, DURATION_MS);
      const input = randomSchedule(draw, season, 20_000);
      const defined = defineSchedule(input, season.startsAt);
      if (!defined.ok) {
        // People, too, give an end that lies before the first slot.
        expect(defined.refusal.code).toBe('never-fires');
        refused++;
        continue;
      }
      kinds.set(input.kind, (kinds.get(input.kind) ?? 0) + 1);
      const anchored = { schedule: defined.value, anchor: season.startsAt };
      const count = (from: number) => slotsBetween(anchored, from, season.startsAt + DURATION_MS, 10_000).length;
      if (count(season.startsAt) > 0) withSlots++;
      if (season.change !== null && count(season.change.at - 1) > 0) afterChange++;
    }
    expect(refused).toBeLessThan(0.03 * drawnOnes);
    expect(withSlots).toBeGreaterThan(0.75 * drawnOnes);
    expect(afterChange).toBeGreaterThan(0.25 * drawnOnes);
    for (const kind of ['once', 'interval', 'cron', 'calendar']) expect(kinds.get(kind)).toBeGreaterThan(15);
  });

  it('join the jobs of random worlds, and what people schedule anew', () => {
    const scripts = Array.from({ length: 40 }, (_, seed) => randomScript(seed));
    const kindsOf = (schedules: readonly ({ readonly kind: string } | undefined)[]) =>
      new Set(schedules.flatMap((one) => (one === undefined ? [] : [one.kind])));
    const jobs = scripts.flatMap((script) => script.jobs.map(({ schedule }) => schedule));
    const anew = scripts.flatMap(({ actions }) =>
      actions.flatMap((action) => (action.do === 'order' && action.order === 'reschedule' ? [action.schedule] : [])),
    );
    for (const kind of ['once', 'interval', 'cron', 'calendar']) {
      expect(kindsOf(jobs)).toContain(kind);
      expect(kindsOf(anew)).toContain(kind);
    }
    expect(jobs.filter((one) => one?.jitter !== undefined).length).toBeGreaterThan(50);
  });
});
