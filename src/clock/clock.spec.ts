import { SeededRandom, SystemClock, SystemRandom, VirtualClock } from '.';

describe('SystemClock', () => {
  const clock = new SystemClock();

  it('fires a timer once, and not before its delay has passed', async () => {
    const before = clock.monotonic();
    await new Promise<void>((resolve) => clock.setTimer(20, resolve));
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(19);
  });

  it('never fires a cancelled timer, and cancelling twice is nothing', async () => {
    let fired = false;
    const timer = clock.setTimer(1, () => (fired = true));
    timer.cancel();
    timer.cancel();
    await clock.sleep(15);
    expect(fired).toBe(false);
  });

  it('ends a sleep at once when its signal aborts', async () => {
    const stop = new AbortController();
    const sleeping = clock.sleep(60_000, stop.signal);
    stop.abort();
    await sleeping;
    await clock.sleep(60_000, stop.signal);
  });

  it('takes delays beyond what setTimeout can hold', () => {
    let fired = false;
    const timer = clock.setTimer(2 ** 40, () => (fired = true), { keepAlive: false });
    expect(fired).toBe(false);
    timer.cancel();
  });

  it('has a boot time that moves with the machine', () => {
    expect(clock.boot()).toBeGreaterThan(0);
  });
});

describe('VirtualClock', () => {
  it('moves only when told to, on all three clocks', async () => {
    const clock = new VirtualClock(1_000);
    await clock.settle();
    expect([clock.wall(), clock.monotonic(), clock.boot()]).toEqual([1_000, 0, 0]);
    await clock.advance(500);
    expect([clock.wall(), clock.monotonic(), clock.boot()]).toEqual([1_500, 500, 500]);
  });

  it('fires timers in due order, those of one instant in the order they were set, each at its own time', async () => {
    const clock = new VirtualClock();
    const seen: [string, number][] = [];
    const note = (name: string) => () => seen.push([name, clock.monotonic()]);
    clock.setTimer(20, note('late'));
    clock.setTimer(10, note('a'));
    clock.setTimer(10, note('b'));
    clock.setTimer(5, () => clock.setTimer(5, note('c')));
    await clock.advance(30);
    expect(seen).toEqual([
      ['a', 10],
      ['b', 10],
      ['c', 10],
      ['late', 20],
    ]);
  });

  it('lets what a timer woke run before the next timer', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    void (async () => {
      await clock.sleep(10);
      await clock.yield();
      seen.push('woken');
    })();
    clock.setTimer(11, () => seen.push('next'));
    await clock.advance(11);
    expect(seen).toEqual(['woken', 'next']);
  });

  it('jumps the wall without the monotonic clock, and suspends the monotonic without the others', async () => {
    const clock = new VirtualClock(0);
    clock.jumpWall(-3_600_000);
    expect([clock.wall(), clock.monotonic(), clock.boot()]).toEqual([-3_600_000, 0, 0]);
    clock.suspend(60_000);
    expect([clock.wall(), clock.monotonic(), clock.boot()]).toEqual([-3_540_000, 0, 60_000]);
    await clock.advance(1);
    expect(clock.boot()).toBe(60_001);
  });

  it('runs until a condition holds, and says so when it never does', async () => {
    const clock = new VirtualClock();
    let n = 0;
    const tick = (): void => void clock.setTimer(1_000, () => (n++, tick()));
    tick();
    await clock.runUntil(() => n === 3);
    expect(clock.monotonic()).toBe(3_000);
    await expect(clock.runUntil(() => n === 1_000, { limitMs: 5_000, what: 'a thousand ticks' })).rejects.toThrow(
      'Waited 5000 ms of virtual time for a thousand ticks',
    );
  });

  it('names what is still pending', () => {
    const clock = new VirtualClock();
    const timer = clock.setTimer(5, () => undefined, { name: 'beat' });
    expect(clock.pendingTimers()).toEqual(['beat']);
    timer.cancel();
    expect(clock.pendingTimers()).toEqual([]);
  });
});

describe('Random', () => {
  it('gives the same numbers and ids for the same seed, others for another', () => {
    const draw = (seed: number) => {
      const random = new SeededRandom(seed);
      return [random.next(), random.uuid(1_700_000_000_000), random.next(), random.uuid(1_700_000_000_000)];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('gives ids that another seed does not give, though it comes to the same numbers', () => {
    const [early, late] = [new SeededRandom(7), new SeededRandom(7 + 0x6d2b79f5 * 17)];
    early.uuid(1_700_000_000_000);
    const ids = [early, late].map((random) => random.uuid(1_700_000_000_000));
    // The first 96 of 128 bits are the same.
    expect(ids[0].slice(0, 28)).toBe(ids[1].slice(0, 28));
    expect(ids[0].slice(28)).not.toBe(ids[1].slice(28));
    expect(early.next()).toBe(late.next());
  });

  it('makes version 7 UUIDs that carry the time they were given', () => {
    for (const random of [new SeededRandom(1), new SystemRandom()]) {
      const id = random.uuid(0x0123456789ab);
      expect(id).toMatch(/^01234567-89ab-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });
});
