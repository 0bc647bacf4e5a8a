import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SystemClock, SystemRandom } from '../../src/clock';
import { EmbeddedEventStore, type NewEvent, type RecordedEvent } from '../../src/event-store';
import { AppendingProcess, type Acknowledged } from '../processes/appending-process';

const PROGRAM = resolve(__dirname, '../../build/test/processes/appender.js');
const clock = new SystemClock();
const random = new SystemRandom();

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-processes-'));
  path = join(directory, 'log.sqlite');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = () => EmbeddedEventStore.open({ path, clock, random });
const event = (): NewEvent => ({ id: random.uuid(0), type: 'Appended', data: '{}', metadata: '{}' });
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await clock.sleep(2);
}

async function everything(store: EmbeddedEventStore): Promise<Map<string, RecordedEvent>> {
  const found = new Map<string, RecordedEvent>();
  for (let after: bigint | 'start' = 'start', end = false; !end;) {
    const slice = await store.readAll({ after, limit: 10_000 });
    for (const one of slice.events) found.set(`${one.stream}@${one.revision}`, one);
    ({ position: after, end } = slice);
  }
  return found;
}

describe('a process that is killed while it appends', () => {
  it('loses nothing that was acknowledged, and a retry after the kill is answered as before', async () => {
    const all: Acknowledged[] = [];
    for (const round of ['first', 'second', 'third']) {
      const appender = new AppendingProcess(PROGRAM, path, round);
      await until(() => appender.acknowledged.length > 500 + 200 * random.next());
      await appender.kill();
      all.push(...appender.acknowledged);

      const store = await open();
      const found = await everything(store);
      const lost = all.filter(({ stream, revision, id, position }) => {
        const one = found.get(`${stream}@${revision}`);
        return one?.id !== id || one.position !== position;
      });
      expect(lost).toEqual([]);
      for (const { stream, revision } of found.values())
        if (revision > 0) expect(found.has(`${stream}@${revision - 1}`)).toBe(true);
      for (const { stream, expected, id, revision, position } of appender.acknowledged.slice(-50)) {
        const retried = await store.append(stream, expected, [{ ...event(), id }]);
        expect(retried).toEqual({ outcome: 'appended', revision, position });
      }
      await store.close();
    }
    expect(all.length).toBeGreaterThan(1_500);
  }, 60_000);

  it('does not keep the others from writing', async () => {
    const store = await open();
    const [first, second] = [
      new AppendingProcess(PROGRAM, path, 'first'),
      new AppendingProcess(PROGRAM, path, 'second'),
    ];
    await until(() => first.acknowledged.length > 100 && second.acknowledged.length > 100);
    expect((await store.append('job-1', 'no_stream', [event()])).outcome).toBe('appended');
    await first.kill();
    expect((await store.append('job-1', 0, [event()])).outcome).toBe('appended');
    const before = second.acknowledged.length;
    await until(() => second.acknowledged.length > before + 100);
    await second.kill();
    expect((await store.append('job-1', 1, [event()])).outcome).toBe('appended');
    await store.close();
  }, 60_000);
});

describe('several processes on one log', () => {
  it('hear of each other', async () => {
    const store = await open();
    const heard: RecordedEvent[] = [];
    store.subscribe({ after: 'end', onEvents: (events) => void heard.push(...events) });
    const appender = new AppendingProcess(PROGRAM, path, 'other', 20);
    await until(() => heard.length === 20);
    await appender.ended();
    expect(heard.map(({ id }) => id)).toEqual(appender.acknowledged.map(({ id }) => id));
    await store.close();
  }, 60_000);
});
