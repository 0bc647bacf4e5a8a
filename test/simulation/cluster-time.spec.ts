import { clockChanges, simulate, type Action, type JobScript, type Script } from '../../src/testing/simulation';

/*
 * Protocol 9 and I9 in whole clusters, in virtual time: due by the clock of the log, whatever wall clocks show. The clock of the log is that of true
 * time here, so a handler's entry is compared with its slot as it is.
 */

const HOUR = 3_600_000;
const [SPRING, AUTUMN] = clockChanges;
const EVERY_MS = 10_000;
/** Doubt after a jump of the wall clock lasts until a heartbeat has succeeded and the own stream was read. */
const DOUBT_MS = 2_500;

const home = { tag: { host: 'host-a' }, affinity: 'preferred' } as const;
const jobs: readonly JobScript[] = [
  {
    id: 'interval',
    at: 6_000,
    handler: 'brief',
    schedule: { kind: 'interval', every: EVERY_MS, aligned: true },
    ...home,
  },
  { id: 'cron', at: 6_000, handler: 'brief', schedule: { kind: 'cron', pattern: '*/20 * * * * *' }, ...home },
  {
    id: 'jittered',
    at: 6_000,
    handler: 'brief',
    schedule: { kind: 'cron', pattern: '5-59/20 * * * * *', zone: 'Asia/Kolkata', jitter: 6_000 },
    ...home,
  },
];

function worldOf(actions: readonly Action[], more: Partial<Script> = {}): Script {
  return {
    seed: 9,
    durationMs: 90_000,
    places: [
      { id: 'a', host: 'host-a' },
      { id: 'b', host: 'host-b', at: 300 },
    ],
    jobs,
    actions,
    startsAt: SPRING.at - 45_000,
    ...more,
  };
}

interface Entry {
  readonly jobId: string;
  readonly slot: string;
  readonly serviceId: string;
  /** ms after the instant of its slot, by the clock of the log. */
  readonly lateMs: number;
}

async function entriesOf(script: Script): Promise<readonly Entry[]> {
  const { violations, runs } = await simulate(script, { lastDeath: false });
  expect(violations).toEqual([]);
  return runs
    .map(({ jobId, slot, serviceId, enteredAt }) => ({
      ...{ jobId, slot, serviceId },
      lateMs: (script.startsAt ?? 0) + enteredAt - Date.parse(slot),
    }))
    .sort((x, y) => (`${x.slot} ${x.jobId}` < `${y.slot} ${y.jobId}` ? -1 : 1));
}

const slotsOf = (entries: readonly Entry[]) =>
  entries.map(({ jobId, slot, serviceId }) => `${jobId} ${slot} ${serviceId}`);

describe('an owner whose wall clock is set while it lives', () => {
  const jump = (byMs: number, at = 30_000): Action => ({ at, do: 'wall', place: 'a', byMs });

  it.each([
    ['an hour forwards', [jump(HOUR)]],
    ['an hour back', [jump(-HOUR)]],
    ['an hour forwards, and back again', [jump(HOUR), jump(-HOUR, 50_000)]],
    ['by a step of NTP, 2.5 s forwards', [jump(2_500)]],
    ['by a step of NTP, 2.5 s back', [jump(-2_500)]],
    ['by many steps of NTP', [0, 1, 2, 3, 4, 5].map((n) => jump(n % 2 === 0 ? 800 : -1_300, 20_000 + 9_000 * n))],
    ['half a minute back', [jump(-30_000)]],
  ])('%s: the same owner runs the same slots, none early, none later than its doubt lasts', async (_, actions) => {
    const [asIs, jumped] = [await entriesOf(worldOf([])), await entriesOf(worldOf(actions))];
    expect(asIs.length).toBeGreaterThan(20);
    expect(slotsOf(jumped)).toEqual(slotsOf(asIs));
    for (const [n, { lateMs, jobId }] of jumped.entries()) {
      expect(lateMs).toBeGreaterThanOrEqual(jobId === 'jittered' ? 0 : -50);
      expect(lateMs - asIs[n].lateMs).toBeLessThan(DOUBT_MS);
    }
  });
});

describe('an owner that starts with a wall clock that is off', () => {
  const withWall = (wallOffMs: number) =>
    worldOf([], {
      places: [
        { id: 'a', host: 'host-a', wallOffMs },
        { id: 'b', host: 'host-b', at: 300 },
      ],
    });

  it.each([
    ['an hour fast', HOUR],
    ['20 s fast', 20_000],
    ['4 s slow', -4_000],
  ])('%s: goes by the log, and runs the same slots at the same times', async (_, offMs) => {
    const [right, wrong] = [await entriesOf(withWall(0)), await entriesOf(withWall(offMs))];
    expect(slotsOf(wrong)).toEqual(slotsOf(right));
    for (const [n, { lateMs }] of wrong.entries()) expect(Math.abs(lateMs - right[n].lateMs)).toBeLessThan(250);
  });

  it('20 s slow: late, never early; nothing is run twice', async () => {
    const entries = await entriesOf(withWall(-20_000));
    expect(entries.length).toBeGreaterThan(10);
    for (const { lateMs } of entries) expect(lateMs).toBeGreaterThanOrEqual(19_000);
    expect(new Set(entries.map(({ jobId, slot }) => `${jobId} ${slot}`)).size).toBe(entries.length);
  });

  it('an hour slow: runs nothing early, and goes by the log as soon as its wall clock is put right', async () => {
    const corrected: Action = { at: 40_000, do: 'wall', place: 'a', byMs: HOUR };
    const entries = await entriesOf({ ...withWall(-HOUR), actions: [corrected] });
    const late = entries.filter(({ slot }) => Date.parse(slot) > SPRING.at);
    expect(late.length).toBeGreaterThan(5);
    for (const { lateMs } of entries) expect(lateMs).toBeGreaterThanOrEqual(-50);
    for (const { lateMs } of late) expect(lateMs).toBeLessThan(6_500);
  });
});

describe('an owner that is suspended', () => {
  it.each([
    ['shorter than it trusts itself', 2_500],
    ['longer than its peers wait', 25_000],
  ])('%s: each slot is run or made up for, none early, and none twice', async (_, ms) => {
    const entries = await entriesOf(worldOf([{ at: 30_000, do: 'suspend', place: 'a', ms }]));
    expect(new Set(entries.map(({ jobId, slot }) => `${jobId} ${slot}`)).size).toBe(entries.length);
    for (const { lateMs } of entries) expect(lateMs).toBeGreaterThanOrEqual(-50);
    const elsewhere = entries.filter(({ serviceId }) => serviceId === 'b');
    if (ms > 10_000) expect(elsewhere.length).toBeGreaterThan(0);
    else expect(elsewhere).toEqual([]);
  });
});

describe('the night in which the clocks of Berlin change', () => {
  const cron = (id: string, pattern: string): JobScript => ({
    ...{ id, at: 6_000, handler: 'brief' },
    schedule: { kind: 'cron', pattern, zone: 'Europe/Berlin' },
  });
  const patterns = [cron('fixed', '30 1,2,3 2,3 * * *'), cron('minutely', '0 * * * * *'), cron('daily', '30 2 * * *')];
  const slots = (entries: readonly Entry[], job: string) =>
    entries.filter(({ jobId }) => jobId === job).map(({ slot }) => slot.slice(11, 19));
  const crash: Action = { at: 100_000, do: 'crash', place: 'a', restartMs: 20_000 };

  it('in spring what the clocks jump over is run at three, once, though an owner dies', async () => {
    const entries = await entriesOf(
      worldOf([crash], { jobs: patterns, startsAt: SPRING.at - 90_000, durationMs: 270_000 }),
    );
    expect(slots(entries, 'daily')).toEqual(['01:00:00']);
    expect(slots(entries, 'fixed').slice(0, 3)).toEqual(['01:00:00', '01:01:30', '01:02:30']);
    expect(slots(entries, 'minutely').slice(0, 5)).toEqual([
      '00:59:00',
      '01:00:00',
      '01:01:00',
      '01:02:00',
      '01:03:00',
    ]);
  });

  it('in autumn what comes twice is run the first time only, and a pattern of each minute keeps its pace', async () => {
    const first = await entriesOf(
      worldOf([crash], { jobs: patterns, startsAt: AUTUMN.at - HOUR - 60_000, durationMs: 200_000 }),
    );
    expect(slots(first, 'fixed').slice(0, 2)).toEqual(['00:01:30', '00:02:30']);
    const again = await entriesOf(
      worldOf([crash], { jobs: patterns, startsAt: AUTUMN.at - 60_000, durationMs: 200_000 }),
    );
    expect(slots(again, 'fixed')).toEqual([]);
    expect(slots(again, 'minutely').slice(0, 3)).toEqual(['01:00:00', '01:01:00', '01:02:00']);
  });
});
