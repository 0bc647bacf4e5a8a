import { VirtualClock } from '../clock';
import { silentLogger, type LogFields } from '../logging';
import { LogClusterTime } from './cluster-time';

let clock: VirtualClock;
let alarms: LogFields[];
let time: LogClusterTime;
/** A beat of which the log's clock stood `offMs` off ours, answered after `roundTripMs` with `created` at its end. */
const beat = async (offMs: number, roundTripMs = 10) => {
  const start = clock.monotonic();
  await clock.advance(roundTripMs);
  time.sample(clock.wall() + offMs, start, clock.monotonic());
};

beforeEach(() => {
  clock = new VirtualClock();
  alarms = [];
  time = new LogClusterTime(clock, { ...silentLogger, warn: (_, fields) => alarms.push(fields ?? {}) });
});

describe('cluster time', () => {
  it('is the wall clock before the first beat was read back', () => {
    expect(time.now()).toBe(clock.wall());
  });

  it('is that of the log afterwards, whatever the wall clock does', async () => {
    await beat(2_000);
    expect(time.now()).toBe(clock.wall() + 2_000);
    clock.jumpWall(3_600_000);
    await clock.advance(500);
    expect(time.now()).toBe(clock.wall() - 3_600_000 + 2_000);
    clock.jumpWall(-7_200_000);
    expect(time.now()).toBe(clock.wall() + 3_600_000 + 2_000);
  });

  it('takes the smallest round trip of the last ten', async () => {
    await beat(100, 10);
    await beat(-300, 400);
    expect(time.now()).toBe(clock.wall() + 100);
    await beat(200, 5);
    expect(time.now()).toBe(clock.wall() + 200);
    for (let n = 0; n < 10; n++) await beat(300, 50);
    expect(time.now()).toBe(clock.wall() + 300);
  });

  it('never goes back: it stands until the log has caught up', async () => {
    await beat(1_000, 10);
    const before = time.now();
    await beat(-1_000, 5);
    expect(time.now()).toBe(before);
    await clock.advance(1_900);
    expect(time.now()).toBe(before);
    await clock.advance(200);
    expect(time.now()).toBe(clock.wall() - 1_000);
  });

  it('extrapolates with an alarm when the log is far off and the wall clock disagrees', async () => {
    await beat(0);
    await beat(60_000);
    expect(time.now()).toBe(clock.wall());
    expect(alarms).toEqual([expect.objectContaining({ byMs: 60_000 })]);
    await beat(-60_000);
    expect(time.now()).toBe(clock.wall());
  });

  it('does not take a beat that was long under way for a clock that is off: the process, or another one, was stopped in the midst of the append', async () => {
    const takenAtItsBeginning = async (roundTripMs: number) => {
      const [created, start] = [clock.wall(), clock.monotonic()];
      await clock.advance(roundTripMs);
      time.sample(created, start, clock.monotonic());
    };
    await takenAtItsBeginning(20_000);
    expect(alarms).toEqual([]);
    await beat(0);
    await takenAtItsBeginning(20_000);
    expect(alarms).toEqual([]);
    expect(time.now()).toBe(clock.wall());
    // Beyond what the round trip leaves open it is off all the same.
    await beat(-60_000, 20_000);
    expect(alarms).toEqual([expect.objectContaining({ byMs: -60_000 })]);
    expect(time.now()).toBe(clock.wall());
  });

  it('says so at most once a minute', async () => {
    await beat(0);
    for (let n = 0; n < 100; n++) await beat(60_000);
    expect(alarms).toHaveLength(1);
    await clock.advance(60_000);
    await beat(60_000);
    expect(alarms).toHaveLength(2);
  });

  it.each([3_600_000, -3_600_000])('follows a jump of %d ms that the wall clock made too', async (ms) => {
    await beat(0);
    time.now();
    clock.jumpWall(ms);
    await beat(0);
    expect(time.now()).toBe(clock.wall());
  });

  it('catches up after a suspend: the wall clock agrees', async () => {
    await beat(0);
    clock.suspend(600_000);
    await beat(0);
    expect(time.now()).toBe(clock.wall());
  });

  it('takes the log at once after a long time without a beat, in which the own clock has gone ahead by its rate error', async () => {
    await beat(0, 1);
    // Fenced, or told to stay away: for ten minutes no beat is read back, and somebody asks for the time meanwhile.
    await clock.advance(600_000);
    time.now();
    await beat(-6_000);
    expect(alarms).toEqual([]);
    expect(time.now()).toBe(clock.wall() - 6_000);
    await beat(-6_000);
    expect(time.now()).toBe(clock.wall() - 6_000);
  });

  it('does not believe more than the rate error explains', async () => {
    await beat(0);
    await clock.advance(600_000);
    await beat(-18_000);
    expect(time.now()).toBe(clock.wall());
    await beat(-18_000);
    expect(time.now()).toBe(clock.wall());
  });

  it.each([
    ['the log is behind: the log', -60_000, -60_000],
    ['the wall clock is behind: the wall clock', 60_000, 0],
  ])('begins with the smaller one when they differ by more than 5 s; %s', async (_, off, expected) => {
    time.now();
    await beat(off);
    expect(alarms).toHaveLength(1);
    expect(time.now()).toBe(clock.wall() + expected);
    const wall = clock.wall();
    clock.jumpWall(1_000_000);
    await clock.advance(100);
    await beat(off - 1_000_000);
    expect(time.now()).toBe(wall + 110 + expected);
  });

  it('takes the log at once when they differ by less', async () => {
    time.now();
    await beat(-4_000);
    expect(alarms).toEqual([]);
    expect(time.now()).toBe(clock.wall() - 4_000);
  });
});
