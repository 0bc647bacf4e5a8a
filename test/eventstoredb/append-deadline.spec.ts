import { SystemClock, SystemRandom } from '../../src/clock';
import type { EventStore, NewEvent } from '../../src/event-store';
import { freshNamespace, openLog } from './log-of-its-own';
import { StandIn } from './stand-in';

const clock = new SystemClock();
const random = new SystemRandom();
const event = (): NewEvent => ({ id: random.uuid(clock.wall()), type: 'Happened', data: '{}', metadata: '{}' });

describe('an append while nobody can say where the log ends', () => {
  let server: StandIn;
  let store: EventStore;
  const heard: string[] = [];
  const notReady = (times: number) =>
    server.faults.onRead({ kind: 'not-ready' }, { times, stream: (name) => name === '$all' });

  beforeEach(async () => {
    server = await StandIn.start();
    store = await openLog(server.connectionString, freshNamespace(), { appendTimeoutMs: 500 });
    await store.append('job-0', 'no_stream', [event()]);
    heard.length = 0;
  });
  afterEach(async () => {
    server.faults.clear();
    await store.close();
    await server.close();
  });

  const subscribe = () =>
    store.subscribe({ after: 'end', onEvents: (events) => void heard.push(...events.map(({ stream }) => stream)) });

  it.each(['normal', 'urgent'] as const)('has its deadline all the same (%s): it was not sent', async (lane) => {
    const fault = notReady(Infinity);
    subscribe();
    const begun = clock.monotonic();
    const answer = await store.append('job-1', 'no_stream', [event()], { lane });
    expect(answer).toMatchObject({ outcome: 'unavailable', message: expect.stringMatching(/was not sent/) });
    expect(clock.monotonic() - begun).toBeGreaterThan(400);
    expect(clock.monotonic() - begun).toBeLessThan(3_000);
    expect(fault.hits).toBeGreaterThan(0);
    expect(server.log.records.some(({ stream }) => stream.endsWith('job-1'))).toBe(false);
  });

  it('comes after the end that is found in time', async () => {
    notReady(1);
    subscribe();
    expect(await store.append('job-1', 'no_stream', [event()])).toMatchObject({ outcome: 'appended' });
    for (let n = 0; heard.length === 0 && n < 500; n++) await clock.sleep(10);
    expect(heard).toEqual(['job-1']);
  });
});
