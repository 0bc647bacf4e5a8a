import { VirtualClock } from '../clock';
import { AppendLane, type Act, type Pressure } from './append-lane';

describe('appends in flight', () => {
  let clock: VirtualClock;
  let lane: AppendLane;
  let errors: unknown[];
  let most: number;
  let ran: string[];
  beforeEach(() => {
    clock = new VirtualClock();
    errors = [];
    lane = new AppendLane(clock, 64, (error) => errors.push(error));
    most = 0;
    ran = [];
  });

  const acts = (count: number, run: () => Promise<Pressure>, prefix = 'job'): Act[] =>
    Array.from({ length: count }, (_, n) => ({
      jobId: `${prefix}-${n}`,
      run: () => {
        ran.push(`${prefix}-${n}`);
        most = Math.max(most, lane.inFlight);
        return run();
      },
    }));
  const taking =
    (ms: number, pressure: Pressure = 'took') =>
    async () => {
      await clock.sleep(ms);
      return pressure;
    };
  const empty = () => lane.queued === 0 && lane.inFlight === 0;

  it('grow with each append that is taken in time, up to the bound', async () => {
    lane.plan(acts(500, taking(10)));
    await clock.settle();
    expect(lane.inFlight).toBe(16);
    await clock.runUntil(empty);
    expect(most).toBe(64);
    expect(lane.limit).toBe(64);
    expect(ran).toHaveLength(500);
  });

  it('halve when appends are slow, once per round, and never fall below four', async () => {
    lane.plan(acts(16, taking(600)));
    await clock.runUntil(empty);
    expect(lane.limit).toBe(8);
    for (let round = 0; round < 5; round++) {
      lane.plan(acts(8, taking(600)));
      await clock.runUntil(empty);
    }
    expect(lane.limit).toBe(4);
  });

  it('halve when the store is unavailable, and grow by an eighth per round afterwards', async () => {
    lane.plan(acts(1, taking(1, 'pressed')));
    await clock.runUntil(empty);
    expect(lane.limit).toBe(8);
    lane.plan(acts(8, taking(10)));
    await clock.runUntil(empty);
    expect(lane.limit).toBe(9);
    lane.plan(acts(40, taking(10)));
    await clock.runUntil(empty);
    expect(lane.limit).toBe(14);
    lane.plan(acts(400, taking(10)));
    await clock.runUntil(empty);
    expect(lane.limit).toBe(64);
  });

  it('do not change for refusals', async () => {
    lane.plan(acts(100, taking(1_000, 'neutral')));
    await clock.runUntil(empty);
    expect(lane.limit).toBe(16);
  });

  it('a new plan replaces what waits and lets go on what is in flight; no job is in flight twice', async () => {
    const flying = new Set<string>();
    const alone = acts(30, taking(100)).map(({ jobId, run }) => ({
      jobId,
      run: async () => {
        if (flying.has(jobId)) errors.push(`${jobId} twice`);
        flying.add(jobId);
        return run().finally(() => flying.delete(jobId));
      },
    }));
    lane.plan(alone);
    await clock.advance(50);
    lane.plan(alone.slice(0, 20));
    await clock.runUntil(empty);
    expect(errors).toEqual([]);
    expect(ran).not.toContain('job-20');
    expect(new Set(ran).size).toBe(20);
    expect(lane.holds('job-0')).toBe(false);
  });

  it('what is added waits behind what waits, and is held until it has ended', async () => {
    lane.plan(acts(20, taking(100)));
    lane.add(acts(5, taking(100), 'late'));
    await clock.settle();
    expect(lane.queued).toBe(9);
    expect([lane.holds('job-0'), lane.holds('job-19'), lane.holds('late-4')]).toEqual([true, true, true]);
    await clock.runUntil(empty);
    expect(ran.slice(-5)).toEqual(['late-0', 'late-1', 'late-2', 'late-3', 'late-4']);
    expect(lane.holds('late-4')).toBe(false);
    lane.add(acts(60, taking(100)));
    await clock.settle();
    lane.plan([]);
    expect([lane.holds('job-0'), lane.holds('job-59')]).toEqual([true, false]);
    lane.close();
    lane.add(acts(1, taking(1), 'never'));
    expect(lane.queued).toBe(0);
    await clock.advance(1_000);
    expect(ran).not.toContain('never-0');
  });

  it('an act that throws is reported and does not stop the others', async () => {
    lane.plan(acts(1, () => Promise.reject(new Error('broken')), 'bad').concat(acts(20, taking(1))));
    await clock.runUntil(empty);
    expect(errors).toEqual([new Error('broken')]);
    expect(ran).toHaveLength(21);
  });

  it('settled resolves when nothing waits, or also nothing flies, or in time', async () => {
    const told: string[] = [];
    lane.plan(acts(17, taking(100)));
    void lane.settled(1_000, { flying: false }).then(() => told.push(`waits ${clock.monotonic()}`));
    void lane.settled(1_000, { flying: true }).then(() => told.push(`flies ${clock.monotonic()}`));
    void lane.settled(50, { flying: true }).then(() => told.push(`time ${clock.monotonic()}`));
    await clock.advance(2_000);
    expect(told).toEqual(['time 50', 'waits 100', 'flies 200']);
    expect(clock.pendingTimers()).toEqual([]);
  });
});
