import { VirtualClock } from '../../clock';
import type { AppendOutcome } from '../port';
import { AppendLanes } from './append-lanes';
import type { Prepared } from './appender';
import { IdenticalAppends } from './identical-appends';

const done: AppendOutcome = { outcome: 'appended', revision: 0, position: 1n };
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Appends that end when the test says so. */
class Server {
  readonly under: (() => void)[] = [];
  sent = 0;
  readonly send = (): Promise<AppendOutcome> => {
    this.sent++;
    return new Promise((resolve) => this.under.push(() => resolve(done)));
  };
}

describe('the lanes of appends', () => {
  it('let so many be under way, and the others wait in order', async () => {
    const server = new Server();
    const lanes = new AppendLanes(new VirtualClock(), 1_000, 2);
    const order: number[] = [];
    for (let n = 0; n < 5; n++) void lanes.run('normal', server.send).then(() => order.push(n));
    await turn();
    expect(server.sent).toBe(2);
    for (let n = 0; n < 5; n++) {
      server.under.shift()!();
      await turn();
    }
    expect(server.sent).toBe(5);
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });

  it('never let what is urgent wait', async () => {
    const server = new Server();
    const lanes = new AppendLanes(new VirtualClock(), 1_000, 2);
    for (let n = 0; n < 10_000; n++) void lanes.run('normal', server.send);
    void lanes.run('urgent', server.send);
    expect(server.sent).toBe(3);
  });

  it('answer what has waited too long: it was certainly not written', async () => {
    const server = new Server();
    const clock = new VirtualClock();
    const lanes = new AppendLanes(clock, 1_000, 1);
    void lanes.run('normal', server.send);
    const late = lanes.run('normal', server.send);
    await clock.advance(1_500);
    server.under.shift()!();
    expect(await late).toMatchObject({ outcome: 'unavailable' });
    expect(server.sent).toBe(1);
  });

  it('are idle when every append has its answer', async () => {
    const server = new Server();
    const lanes = new AppendLanes(new VirtualClock(), 1_000, 1);
    await lanes.idle();
    for (const lane of ['normal', 'normal', 'urgent'] as const) void lanes.run(lane, server.send);
    let idle = false;
    void lanes.idle().then(() => (idle = true));
    for (let n = 0; n < 3; n++) {
      await turn();
      expect(idle).toBe(false);
      server.under.shift()!();
    }
    await turn();
    expect(idle).toBe(true);
  });
});

describe('identical appends that are under way at once', () => {
  const append = (more: Partial<Prepared> = {}): Prepared => ({
    stream: 'job-1',
    expected: 'no_stream',
    ids: ['a', 'b'],
    events: [],
    ...more,
  });

  it('are sent once, and again when the first has its answer', async () => {
    const server = new Server();
    const identical = new IdenticalAppends();
    const answers = [1, 2, 3].map(() => identical.run(append(), server.send));
    expect(server.sent).toBe(1);
    server.under[0]();
    expect(await Promise.all(answers)).toEqual([done, done, done]);
    void identical.run(append(), server.send);
    expect(server.sent).toBe(2);
  });

  it.each([
    ['another stream', { stream: 'job-2' }],
    ['another revision', { expected: 4 }],
    ['fewer events', { ids: ['a'] }],
    ['another event', { ids: ['a', 'c'] }],
  ])('are not those of %s', (_what, more) => {
    const server = new Server();
    const identical = new IdenticalAppends();
    void identical.run(append(), server.send);
    void identical.run(append(more), server.send);
    expect(server.sent).toBe(2);
  });

  it('are not those at any revision', () => {
    const server = new Server();
    const identical = new IdenticalAppends();
    for (let n = 0; n < 2; n++) void identical.run(append({ expected: 'any' }), server.send);
    expect(server.sent).toBe(2);
  });
});
