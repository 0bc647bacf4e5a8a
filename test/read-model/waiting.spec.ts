import { ViewClosedError, ViewTimeoutError } from '../../src/read-model';
import { ALog, scheduled } from './a-log';

describe('those who wait for the view', () => {
  let log: ALog;
  beforeEach(() => (log = new ALog()));
  afterEach(() => log.close());

  it('go on when it has the position, at once when it has it already', async () => {
    const view = await log.view();
    let reached = false;
    const waiting = view.waitFor(2n, 1_000).then(() => (reached = true));
    await log.job('1', scheduled('1'));
    await log.applied(view);
    expect(reached).toBe(false);
    await log.job('2', scheduled('2'));
    await waiting;
    expect(view.job('2')).not.toBeNull();
    await view.waitFor(1n, 0);
    expect(log.clock.pendingTimers()).toEqual([]);
  });

  it('are not held up by events of others', async () => {
    const view = await log.view();
    const waiting = view.waitFor(1n, 1_000);
    await log.raw('heartbeat-a', 'ServiceHeartbeat', '{}');
    await waiting;
  });

  it('are told when it takes too long, and when the view is closed', async () => {
    const view = await log.view();
    const late = expect(view.waitFor(9n, 500)).rejects.toThrow(ViewTimeoutError);
    await log.clock.advance(500);
    await late;
    const closed = expect(view.waitFor(9n, 500)).rejects.toThrow(ViewClosedError);
    await view.close();
    await closed;
    expect(() => view.job('x')).toThrow(ViewClosedError);
    expect(view.health().state).toBe('stopped');
  });

  it('end the rest that the view takes under load; so does its end', async () => {
    const view = await log.view();
    const load = () => Promise.all(Array.from({ length: 40 }, (_, n) => log.job(`load${n}`, scheduled(`load${n}`))));
    let calls = 0;
    view.onAdvance(() => void calls++);
    await load();
    await log.clock.settle();
    expect(calls).toBe(1);
    await log.job('1', scheduled('1'));
    await log.clock.settle();
    expect([calls, view.job('1')]).toEqual([1, null]);
    await view.waitFor(41n, 1_000);
    expect(view.job('1')).not.toBeNull();
    expect(log.clock.pendingTimers()).toEqual([]);
  });

  it('and many small batches that follow each other closely are load too', async () => {
    const view = await log.view();
    const jobs = (from: number, count: number) =>
      Promise.all(Array.from({ length: count }, (_, n) => log.job(`j${from + n}`, scheduled(`j${from + n}`))));
    for (const from of [0, 8, 16, 24]) {
      await jobs(from, 8);
      await log.clock.settle();
      expect(view.job(`j${from}`)).not.toBeNull();
      await log.clock.advance(10);
    }
    await jobs(32, 1);
    await log.clock.settle();
    expect(view.job('j32')).toBeNull();
    await log.clock.advance(50);
    expect(view.job('j32')).not.toBeNull();
    // The same number of events in a longer time is none.
    for (const from of [33, 49]) {
      await log.clock.advance(60);
      await jobs(from, 16);
      await log.clock.settle();
      expect(view.job(`j${from}`)).not.toBeNull();
    }
    await jobs(65, 1);
    await log.clock.settle();
    expect(view.job('j65')).not.toBeNull();
  });

  it('are called after each batch of facts, whatever another listener does', async () => {
    const view = await log.view();
    const seen: [bigint, boolean][] = [];
    view.onAdvance(() => {
      throw new Error('mine');
    });
    const stop = view.onAdvance((position) => seen.push([position, view.job('1') !== null]));
    await log.job('1', scheduled('1'));
    await log.applied(view);
    stop();
    await log.job('2', scheduled('2'));
    await log.applied(view);
    expect(seen).toEqual([[1n, true]]);
    expect(log.lines.of('view.listener-failed')).toHaveLength(2);
  });
});
