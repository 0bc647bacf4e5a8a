import { SeededRandom, VirtualClock } from '../../src/clock';
import { ScheduleJobCommand } from '../../src/commands';
import { verifyLog } from '../../src/audit';
import { MemoryEventStore, type RecordedEvent } from '../../src/event-store';
import { Node } from './node';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Hand-overs on a real log, with real views: what the world of the other specifications says in memory. */
describe('hand-overs on one log', () => {
  let clock: VirtualClock;
  let store: MemoryEventStore;
  let nodes: Node[];
  beforeEach(() => {
    clock = new VirtualClock();
    store = new MemoryEventStore({ clock, random: new SeededRandom(1) });
    nodes = [];
  });
  afterEach(async () => {
    for (const node of nodes) {
      expect(node.failure).toBeNull();
      await node.close();
    }
    expect((await verifyLog(store)).violations).toEqual([]);
  });

  const open = async (serviceId: string) => {
    const node = await Node.open({ store, clock }, serviceId);
    nodes.push(node);
    return node;
  };
  const schedule = async (by: Node, count: number, inMs: number) => {
    for (let n = 0; n < count; n++) {
      const jobId = `job-${n}`;
      await by.executor.execute(
        new ScheduleJobCommand({ jobId, handler: 'audit', schedule: { kind: 'once', at: clock.wall() + inMs } }),
      );
    }
  };
  const until = (condition: () => boolean, what: string, limitMs = 30 * SECOND) =>
    clock.runUntil(condition, { what, limitMs });
  /** All that the log holds of jobs. */
  const logged = async (): Promise<readonly RecordedEvent[]> => {
    const events: RecordedEvent[] = [];
    for (let n = 0; ; n++) {
      const { events: found } = await store.readStream(`job-job-${n}`, { direction: 'forwards', limit: 1_000 });
      if (found.length === 0) return events;
      events.push(...found);
    }
  };
  const released = async (reason: string) =>
    (await logged()).filter(
      ({ type, data }) => type === 'JobReleased' && (JSON.parse(data) as { reason: string }).reason === reason,
    );
  it('a service that joins gets its share, once; the log tells why', async () => {
    const [a, b] = [await open('a'), await open('b')];
    await schedule(a, 60, 100 * MINUTE);
    await until(() => a.owned() + b.owned() === 60, 'the claims');
    const c = await open('c');
    await clock.advance(59 * SECOND);
    expect(c.owned()).toBe(0);
    await until(() => c.owned() >= 16, 'its share', MINUTE);
    await clock.advance(5 * MINUTE);
    const moved = await released('rebalance');
    expect(moved).toHaveLength(c.owned());
    expect(c.owned()).toBeLessThanOrEqual(25);
    expect(JSON.parse(moved[0].data)).toMatchObject({ reason: 'rebalance', target: 'c' });
    const before = (await logged()).length;
    await clock.advance(30 * MINUTE);
    expect((await logged()).length).toBe(before);
  });

  it('a job that its owner does not start is started by another', async () => {
    const a = await open('a');
    await schedule(a, 3, 2 * MINUTE);
    await until(() => a.owned() === 3, 'the claims');
    // Nobody runs what is due at a: there is no worker in this test.
    await clock.advance(2 * MINUTE + 15 * SECOND);
    const b = await open('b');
    await until(() => b.entered.length === 3, 'the runs', 20 * SECOND);
    const moved = await released('late');
    expect(moved).toHaveLength(3);
    expect(JSON.parse(moved[0].data)).toMatchObject({ serviceId: 'a', target: 'b' });
    expect(a.entered).toEqual([]);
  });
});
