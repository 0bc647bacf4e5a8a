import { SystemClock, SystemRandom } from '../../src/clock';
import type { EventStore, LogPosition, NewEvent } from '../../src/event-store';
import { openLog } from './log-of-its-own';
import { StandIn } from './stand-in';

const clock = new SystemClock();
const random = new SystemRandom();
const event = (): NewEvent => ({ id: random.uuid(clock.wall()), type: 'Happened', data: '{}', metadata: '{}' });

/** A server comes back as an earlier one (a restore), and others have written to it since: what was known of its end says nothing any more. */
describe('a server that comes back without the log, and longer than it was', () => {
  let server: StandIn;
  let store: EventStore;
  let head: LogPosition;
  const open: EventStore[] = [];
  const log = async (namespace: string) => {
    const opened = await openLog(server.connectionString, namespace, { probeMs: 50 });
    open.push(opened);
    return opened;
  };
  const write = async (to: EventStore, stream: string, count: number) => {
    const answer = await to.append(stream, 'any', Array.from({ length: count }, event));
    if (answer.outcome !== 'appended') throw new Error(answer.outcome);
    return answer.position;
  };
  const untilAnswered = async () => {
    for (let tries = 0; tries < 100; tries++) {
      const answer = await store.head().catch(() => null);
      if (answer !== null) return answer;
      await clock.sleep(50);
    }
    throw new Error('it never answered');
  };

  beforeEach(async () => {
    server = await StandIn.start();
    store = await log('one');
    head = await write(store, 'job-1', 10);
    expect(await store.head()).toBe(head);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
    await server.close();
  });

  /** Nobody asks the log meanwhile. */
  const comeBack = async () => {
    const { port } = server;
    await server.close();
    server = await StandIn.start({ port });
    const before = await openLog(`esdb://localhost:${port}?tls=false`, 'others');
    open.push(before);
    expect(await write(before, 'job-1', 500)).toBeGreaterThan(head as bigint);
    return before;
  };

  it('tells the end as it is now', async () => {
    await expect(server.faults.kill().then(() => store.head())).rejects.toMatchObject({ code: 'unavailable' });
    await comeBack();
    expect(await untilAnswered()).toBe('start');
  });

  it('is passed over up to events of the log, not to where one was', async () => {
    const told: bigint[] = [];
    const subscribe = () =>
      store.subscribe({ after: 'start', onEvents: (_events, position) => void told.push(position) });
    const { ended } = subscribe();
    while (told.at(-1) !== head) await clock.sleep(5);
    const others = await comeBack();
    expect((await ended).reason).toBe('dropped');
    told.length = 0;
    let caughtUp = 0;
    store.subscribe({
      after: 'start',
      onEvents: (_events, position) => void told.push(position),
      onCaughtUp: () => void caughtUp++,
    });
    while (caughtUp === 0) await clock.sleep(5);
    const asked = server.calls.length;
    for (let n = 0; n < 5; n++) await write(others, `job-${n}`, 1_000);
    while (!server.calls.slice(asked).some(({ method, stream }) => method === 'read' && stream === '$all'))
      await clock.sleep(5);
    await clock.sleep(200);
    expect(told).toEqual([]);
    const position = await write(store, 'job-1', 1);
    while (told.length === 0) await clock.sleep(5);
    expect(told).toEqual([position]);
  });
});
