import { Draft } from '../../../src/domain/job/draft';
import * as pending from '../../../src/domain/job/pending';
import * as slots from '../../../src/domain/job/slots';
import { LogClusterTime } from '../../../src/membership/cluster-time';
import { clockChanges, type JobScript, type Script } from '../../../src/testing/simulation';
import { all, replaced, type Control } from './control';
import { jobsOf, Moments, world } from './worlds';

const EARLY_MS = 20_000;

/** Berlin, in the night in which two o'clock is three o'clock; one of the services dies. */
function springNight(seed: number, jitter = false): Script {
  const m = new Moments(seed);
  const [{ at, zone }] = clockChanges;
  const more = jitter ? { jitter: 'PT40S' } : {};
  const schedules = [
    { kind: 'cron', zone, pattern: '0 * * * * *', ...more },
    { kind: 'cron', zone, pattern: '30 58,59,0,1,2 1,2,3 * * *', ...more },
    { kind: 'interval', every: jitter ? 60_000 : 11_000, aligned: true, ...more },
  ] as const;
  const jobs = schedules.flatMap((schedule, n) =>
    jobsOf(2, 'brief', { schedule }).map((job): JobScript => ({ ...job, id: `${job.id}-${n}` })),
  );
  const crash = { at: 15_000 + m.between(0, 60_000), do: 'crash', place: 'a', restartMs: 9_000 } as const;
  return world(seed, 150_000, jobs, [crash], { startsAt: at - 60_000 - m.between(0, 10_000) });
}

type NextSlot = (anchored: unknown, after: number) => number | null;

/** Each third slot, or so. */
const third = (slot: number) => Math.floor(slot / 1_000) % 3 === 0;

/** Rules of slots: each is started, coalesced or skipped, once, and not before its time. */
export const slotControls: readonly Control[] = [
  {
    rule: 'I8',
    name: 'a slot is dropped',
    broken: 'nextSlot of decisions, by one that passes over some slots',
    caughtBy: ['I8'],
    script: springNight,
    replace: () =>
      replaced(slots, 'nextSlot', (original) => (anchored: never, after: never) => {
        const next = (original as NextSlot)(anchored, after);
        return next !== null && third(next) ? (original as NextSlot)(anchored, next) : next;
      }),
  },
  {
    rule: 'I8',
    name: 'a slot comes twice',
    broken: 'nextSlot of decisions, by one that gives some slots again',
    caughtBy: ['I8'],
    script: springNight,
    replace: () =>
      replaced(
        slots,
        'nextSlot',
        (original) => (anchored: never, after: never) =>
          (original as NextSlot)(anchored, third(after) ? (after as number) - 1 : after),
      ),
  },
  {
    rule: 'I12',
    name: 'a slot is run early',
    broken: `LogClusterTime.now, by one that is ${EARLY_MS} ms ahead`,
    caughtBy: ['I12'],
    script: springNight,
    replace: () =>
      replaced(
        LogClusterTime.prototype,
        'now',
        (original) =>
          function (this: unknown) {
            return (original.call(this) as number) + EARLY_MS;
          },
      ),
  },
  {
    rule: '9, I12',
    name: 'a slot does not wait for its jitter',
    broken: 'Draft.due and pendingDueAt, by ones that go by the instant of the slot',
    caughtBy: ['I12'],
    script: (seed) => springNight(seed, true),
    replace: () =>
      all(
        replaced(
          Draft.prototype,
          'due',
          (original) =>
            function (this: unknown) {
              return original.call(this, true);
            },
        ),
        replaced(
          pending,
          'pendingDueAt',
          () =>
            ({ nextSlot }: { readonly nextSlot: string | null }) =>
              nextSlot === null ? null : Date.parse(nextSlot),
        ),
      ),
  },
];
