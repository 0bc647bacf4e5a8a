import { slotOf, type JobDefinition, type JobEvent } from '../../domain/job';
import { defineSchedule, type ScheduleInput } from '../../domain/schedule';
import { SlotLedger } from './slot-ledger';

const T0 = Date.UTC(2026, 2, 28, 12);
const MINUTE = 60_000;
const minute = (n: number) => slotOf(T0 + n * MINUTE);

let said: string[];
let noted: string[];
let ledger: SlotLedger;

beforeEach(() => {
  said = [];
  noted = [];
  ledger = new SlotLedger({
    violate: (rule, words) => said.push(`${rule} ${words}`),
    note: (what) => noted.push(what),
  });
});

/** What of each event the ledger looks at. */
const tell = (type: JobEvent['type'], data: object, at = T0) =>
  ledger.event('job', { type, data: { zoneData: '2025c', at, ...data } } as JobEvent);
const definition = (schedule: ScheduleInput) => {
  const defined = defineSchedule(schedule);
  if (!defined.ok) throw new Error('It is refused.');
  return { schedule: defined.value } as unknown as JobDefinition;
};
const schedule = (input: ScheduleInput, nextSlot: string | null, more: object = {}) =>
  tell('JobScheduled', { definition: definition(input), anchor: T0, nextSlot, ...more });
const everyMinute = (more: object = {}) => schedule({ kind: 'interval', every: MINUTE, ...more }, minute(1));
const start = (n: number, next: number | null, attempt = 1) =>
  tell('JobRunStarted', { slot: minute(n), attempt, nextSlot: next === null ? null : minute(next) });
const skip = (from: number, to: number, count: number, next: number | null, reason = 'coalesced') =>
  tell('JobSlotsSkipped', {
    ...{ reason, count, from: minute(from), to: minute(to), slots: [] },
    nextSlot: next === null ? null : minute(next),
  });

describe('a life in which each slot is accounted for', () => {
  it('is in order: starts, retries, ranges, what is given up, and an end', () => {
    everyMinute({ maxRuns: 7 });
    start(1, 2);
    start(1, 2, 2);
    skip(2, 4, 3, 5);
    start(5, 6);
    skip(5, 5, 1, 6, 'replaced');
    start(6, 7);
    skip(7, 7, 1, null, 'overlap');
    tell('JobCompleted', { outcome: 'succeeded' });
    expect(said).toEqual([]);
    expect(noted.filter((what) => what === 'slot-of-interval')).toHaveLength(3);
  });

  it('goes on under another schedule, after all that came before it', () => {
    everyMinute();
    skip(1, 3, 3, 4, 'rescheduled');
    tell(
      'JobRescheduled',
      {
        definition: definition({ kind: 'cron', pattern: '*/5 * * * *' }),
        anchor: T0 + 3.5 * MINUTE,
        nextSlot: minute(5),
      },
      T0 + 3.5 * MINUTE,
    );
    start(5, 10);
    expect(said).toEqual([]);
    expect(noted).toContain('rescheduled-to-cron');
  });

  it('knows what clocks that change do to a pattern', () => {
    schedule({ kind: 'cron', pattern: '30 2 * * *', zone: 'Europe/Berlin' }, '2026-03-29T01:00:00.000Z');
    tell('JobRunStarted', { slot: '2026-03-29T01:00:00.000Z', attempt: 1, nextSlot: '2026-03-30T00:30:00.000Z' });
    expect(said).toEqual([]);
    expect(noted).toContain('slot-after-a-clock-change');
  });
});

describe('what it finds', () => {
  it.each<[string, () => void, string]>([
    ['a slot that is passed over', () => start(2, 3), 'comes next by the schedule'],
    ['a slot that is not said to be pending', () => start(1, 3), 'is pending, and by the schedule'],
    ['a range with one too few', () => skip(1, 4, 3, 5), '3 slots from'],
    ['a range that ends where no slot is', () => skip(1, 1.5, 1, 2), 'the schedule has 1 there'],
    ['an end too early', () => start(1, null), 'no slot is pending'],
    ['a job that is completed before its last slot', () => tell('JobCompleted', {}), 'is still to come'],
    [
      'a cancel that drops what had come',
      () => tell('JobCancelled', {}, T0 + MINUTE),
      'had come, and is not accounted for',
    ],
    [
      'a slot that is due before its instant',
      () => tell('JobResumed', { nextSlot: minute(1), nextDueAt: T0 + MINUTE - 1 }),
      'is due at',
    ],
    [
      'another schedule that drops what had come',
      () =>
        tell(
          'JobRescheduled',
          { definition: definition({ kind: 'once', at: T0 + 5 * MINUTE }), anchor: T0 + MINUTE, nextSlot: minute(5) },
          T0 + MINUTE,
        ),
      'had come, and is not accounted for',
    ],
  ])('%s', (_, break_, words) => {
    everyMinute();
    expect(said).toEqual([]);
    break_();
    expect(said[0]).toContain(words);
    expect(said[0]).toMatch(/^I8 job, Job/);
  });

  it('a slot that begins twice', () => {
    everyMinute();
    start(1, 2);
    start(1, 2);
    expect(said[0]).toContain('begins a second time');
  });

  it('a slot of a former life that comes again when the job is renewed', () => {
    everyMinute();
    start(1, 2);
    tell('JobCancelled', {});
    schedule({ kind: 'once', at: T0 + MINUTE }, minute(1));
    expect(said[0]).toContain('is pending, and by the schedule none comes');
  });

  it('one slot more than maxRuns', () => {
    everyMinute({ maxRuns: 1 });
    start(1, 2);
    expect(said[0]).toContain('is pending, and by the schedule none comes');
  });

  it('a due time that lies beyond the jitter, or the next slot', () => {
    schedule({ kind: 'interval', every: MINUTE, jitter: 10 * MINUTE }, minute(1), { nextDueAt: T0 + 2 * MINUTE - 1 });
    expect(said).toEqual([]);
    expect(ledger.due('job', minute(1))).toBe(T0 + 2 * MINUTE - 1);
    tell('JobResumed', { nextSlot: minute(1), nextDueAt: T0 + 2 * MINUTE });
    expect(said[0]).toContain('is due at');
  });
});
