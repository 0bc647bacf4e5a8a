import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { stateAsOf, verifyLog } from '../../src/audit';
import { SeededRandom, SystemClock, SystemRandom, VirtualClock, type Clock } from '../../src/clock';
import { CopyRefusedError, copyLog, isWhole } from '../../src/copy';
import { originOf } from '../../src/domain/codec';
import {
  EmbeddedEventStore,
  MAX_APPEND_BYTES,
  MemoryEventStore,
  StoreUnavailableError,
  type AppendOutcome,
  type EventStore,
  type RecordedEvent,
} from '../../src/event-store';
import { healthyLog } from '../audit/healthy-log';
import { writeTo } from '../audit/recorder';
import { StandIn } from '../eventstoredb/stand-in';
import { holdfast, installed } from './installation';

const system = new SystemClock();
/** Waits for nothing, and says how late it would be. */
class Hasty extends VirtualClock {
  private waited = 0;
  override monotonic(): number {
    return this.waited;
  }
  override sleep(ms: number): Promise<void> {
    this.waited += ms;
    return Promise.resolve();
  }
  override yield(): Promise<void> {
    return Promise.resolve();
  }
}

const written = healthyLog().events;
/** What a copy of it has. */
const facts = written.filter(({ stream }) => !stream.startsWith('heartbeat-'));
let seed = 0;

function memory(clock: Clock = new VirtualClock()): MemoryEventStore {
  return new MemoryEventStore({ clock, random: new SeededRandom(++seed) });
}

/** A log as it was written: each event at its time. */
async function original(
  events: readonly RecordedEvent[] = written,
  namespace = '',
  goOn: (write: (more: readonly RecordedEvent[]) => Promise<void>) => void = () => undefined,
): Promise<MemoryEventStore> {
  let now = 0;
  const store = memory(
    new (class extends VirtualClock {
      override wall = () => now;
    })(),
  );
  const write = async (more: readonly RecordedEvent[]) => {
    for (const event of more) {
      now = event.created;
      await writeTo(store, [event], namespace);
    }
  };
  await write(events);
  goOn(write);
  return store;
}

async function all(store: EventStore, ...categories: string[]): Promise<RecordedEvent[]> {
  const { events } = await store.readAll({
    after: 'start',
    limit: 10_000,
    ...(categories.length > 0 && { categories }),
  });
  return [...events];
}

function withoutOrigin(event: RecordedEvent): object {
  const { stream, revision, id, type, data } = event;
  const { copied: _copied, ...metadata } = JSON.parse(event.metadata) as Record<string, unknown>;
  return { stream, revision, id, type, data, metadata };
}

/** The store, with other answers to appends: `answer` may take the event to the store, or not. */
function answering(
  store: EventStore,
  answer: (nth: number, append: () => Promise<AppendOutcome>) => Promise<AppendOutcome>,
): EventStore {
  let nth = 0;
  return new Proxy(store, {
    get(inner, name: keyof EventStore) {
      if (name === 'append')
        return (...args: Parameters<EventStore['append']>) => answer(nth++, () => inner.append(...args));
      const value = inner[name] as unknown;
      return typeof value === 'function' ? (value.bind(inner) as unknown) : value;
    },
  });
}

async function refusal(copying: Promise<unknown>): Promise<CopyRefusedError['refusals'][0]> {
  const error = await copying.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CopyRefusedError);
  return (error as CopyRefusedError).refusals[0];
}

const clock = new Hasty();

describe('a copied log', () => {
  it('has the events of jobs and services, each with its id, revision, order, data and metadata, and where it was', async () => {
    const [from, to] = [await original(), memory()];
    const report = await copyLog(from, to, { clock });
    const copies = await all(to);
    expect(copies.map(withoutOrigin)).toEqual(facts.map(withoutOrigin));
    const { id } = await from.identity();
    expect(copies.map(({ metadata }) => originOf(metadata))).toEqual(
      facts.map(({ position, created }) => ({ log: id, position, created })),
    );
    expect(report).toMatchObject({
      from: { id, generation: 1 },
      events: facts.length,
      added: facts.length,
      streams: new Set(facts.map(({ stream }) => stream)).size,
      difference: null,
      behind: 0,
      check: { violationCount: 0, events: facts.length },
    });
    expect(isWhole(report)).toBe(true);
  });
  it('is a log of its own, whose tokens are all greater than those given before', async () => {
    const [from, to] = [await original(), memory()];
    for (let n = 0; n < 3; n += 1) await from.raiseGeneration();
    const report = await copyLog(from, to, { clock });
    expect(report.to).toEqual(await to.identity());
    expect(report.to.generation).toBe(5);
    expect(report.to.id).not.toBe(report.from.id);
  });
  it('keeps the rules by the positions of the log that it is from: without them it would not', async () => {
    const [from, to] = [await original(), memory()];
    await copyLog(from, to, { clock });
    const bare = memory();
    await writeTo(bare, facts);
    expect((await verifyLog(bare)).violationCount).toBeGreaterThan(0);
    expect((await verifyLog(to)).violations).toEqual([]);
    // What is wrong there is still found here.
    const drained = facts.findIndex(({ type }) => type === 'ServiceDrainStarted');
    const early = [...facts];
    early.splice(facts.findIndex(({ type }) => type === 'ServiceRegistered') + 2, 0, ...early.splice(drained, 1));
    const wrong = await original(early);
    const copy = memory();
    const { check } = await copyLog(wrong, copy, { clock });
    const invariants = async (store: EventStore) => (await verifyLog(store)).violations.map((one) => one.invariant);
    expect(await invariants(wrong)).not.toEqual([]);
    expect(check?.violations.map((one) => one.invariant)).toEqual(await invariants(wrong));
  });
  it('answers who owned a job at a time as the log before did', async () => {
    const [from, to] = [await original(), memory()];
    await copyLog(from, to, { clock });
    for (const { created } of facts) {
      const [was, is] = [
        await stateAsOf(from, 'long', { time: created }),
        await stateAsOf(to, 'long', { time: created }),
      ];
      expect(is.words).toBe(was.words);
      expect(is.at?.created).toBe(was.at?.created);
    }
  });
  it('may be copied again: the first log stays named', async () => {
    const [first, second, third] = [await original(), memory(), memory()];
    await copyLog(first, second, { clock });
    const last = (await all(second)).at(-1);
    const report = await copyLog(second, third, { clock });
    expect(isWhole(report)).toBe(true);
    expect((await all(third)).at(-1)?.metadata).toBe(last?.metadata);
    expect(report.to.generation).toBe(3);
  });
  it('is one of the namespace that was asked for', async () => {
    const [from, to] = [await original(written, 'acme'), memory()];
    expect(await refusal(copyLog(from, to, { clock }))).toMatchObject({ code: 'nothing-to-copy' });
    expect(await copyLog(from, to, { clock, namespace: 'acme' })).toMatchObject({ events: facts.length });
    expect((await all(to)).every(({ stream }) => stream.startsWith('acme.'))).toBe(true);
  });
  it('takes neighbours of one stream in one append, within its limit', async () => {
    const data = JSON.stringify('x'.repeat(300_000));
    const big = Array.from({ length: 7 }, (_, n) => ({ ...written[0], stream: 'job-big', id: uuid(n), data }));
    const [from, to] = [memory(), memory()];
    for (const event of big) await from.append('job-big', 'any', [event]);
    const sizes: number[] = [];
    const counted = new Proxy(to, {
      get(inner, name: keyof EventStore) {
        if (name !== 'append') return (inner[name] as () => unknown).bind(inner);
        return (...args: Parameters<EventStore['append']>) => {
          sizes.push(args[2].length);
          return inner.append(...args);
        };
      },
    });
    await copyLog(from, counted, { clock });
    expect(sizes).toEqual([3, 3, 1]);
    expect(sizes[0] * data.length).toBeLessThan(MAX_APPEND_BYTES);
  });
});

function uuid(n: number): string {
  return `0172c000-0000-7000-8000-${String(n + 100).padStart(12, '0')}`;
}

describe('a copy that was broken off', () => {
  it.each([0, 1, 7, 20])('after %i appends goes on where it stopped', async (appends) => {
    const [from, to] = [await original(), memory()];
    const failing = answering(to, (nth, append) =>
      nth < appends ? append() : Promise.resolve({ outcome: 'unavailable', message: 'gone' }),
    );
    await expect(copyLog(from, failing, { clock })).rejects.toThrow(StoreUnavailableError);
    const before = (await all(to)).length;
    const report = await copyLog(from, to, { clock });
    expect(report).toMatchObject({ events: facts.length, added: facts.length - before, difference: null });
    expect((await all(to)).map(withoutOrigin)).toEqual(facts.map(withoutOrigin));
    expect(report.to.generation).toBe(2);
    // And once more: nothing to do, all is compared.
    expect(await copyLog(from, to, { clock })).toMatchObject({ added: 0, sha256: report.sha256, difference: null });
    expect((await to.identity()).generation).toBe(2);
  });
  it('takes what the log has got since', async () => {
    let write = (_more: readonly RecordedEvent[]) => Promise.resolve();
    const [from, to] = [await original(written.slice(0, 20), '', (more) => (write = more)), memory()];
    await copyLog(from, to, { clock });
    await write(written.slice(20));
    const report = await copyLog(from, to, { clock });
    expect(report).toMatchObject({ events: facts.length, difference: null, check: { violationCount: 0 } });
  });
  it('sends what has no definite answer again, and adds nothing twice', async () => {
    const [from, to] = [await original(), memory()];
    const unsure = answering(to, async (nth, append) => {
      if (nth % 3 === 1) return { outcome: 'unknown', message: 'lost before' };
      const became = await append();
      return nth % 3 === 2 ? { outcome: 'unknown', message: 'lost after' } : became;
    });
    expect(isWhole(await copyLog(from, unsure, { clock }))).toBe(true);
    expect(await all(to)).toHaveLength(facts.length);
  });
  it('may have been started twice', async () => {
    const [from, to] = [await original(), memory()];
    const both = await Promise.all([copyLog(from, to, { clock }), copyLog(from, to, { clock })]);
    expect(both.map(isWhole)).toEqual([true, true]);
    expect(await all(to)).toHaveLength(facts.length);
  });
  it('waits for a log that cannot be read now, not for ever', async () => {
    const [from, to] = [await original(), memory()];
    let failures = 5;
    const failing = new Proxy(from, {
      get(inner, name: keyof EventStore) {
        if (name === 'readAll' && failures-- > 0) return () => Promise.reject(new StoreUnavailableError('no leader'));
        return (inner[name] as () => unknown).bind(inner);
      },
    });
    expect(isWhole(await copyLog(failing, to, { clock }))).toBe(true);
    failures = Infinity;
    await expect(copyLog(failing, to, { clock })).rejects.toThrow('no leader');
  });
});

describe('a copy is refused', () => {
  it('into the log that is copied', async () => {
    const from = await original();
    expect(await refusal(copyLog(from, from, { clock }))).toMatchObject({ code: 'same-log', field: 'to' });
  });
  it.each([
    ['another log', (to: EventStore) => writeTo(to, facts.slice(5, 9))],
    ['the same events, not copied', (to: EventStore) => writeTo(to, facts)],
    [
      'beats of a service',
      (to: EventStore) =>
        writeTo(
          to,
          written.filter((one) => !facts.includes(one)),
        ),
    ],
  ])('into a log that holds %s, which stays as it is', async (_what, fill) => {
    const [from, to] = [await original(), memory()];
    await fill(to);
    const before = await all(to);
    const { code, value, rule, remedy } = await refusal(copyLog(from, to, { clock }));
    expect({ code, value }).toEqual({ code: 'target-not-empty', value: `${before[0].stream} revision 0` });
    expect(rule).toMatch(/^The target holds other events than this copy: .*position 1\)/);
    expect(remedy).toMatch(/empty log/);
    expect(await all(to)).toEqual(before);
    expect((await to.identity()).generation).toBe(1);
  });
  it('into a copy that has an event too many', async () => {
    const [from, to] = [await original(), memory()];
    await copyLog(from, to, { clock });
    await to.append('job-new', 'no_stream', [{ ...facts[0], id: uuid(1) }]);
    const { rule } = await refusal(copyLog(from, to, { clock }));
    expect(rule).toMatch(
      new RegExp(`job-new revision 0, .* is no part of the copied log \\(the ${facts.length} events`),
    );
  });
  it('when a stream was cut off at the front', async () => {
    const [from, to] = [await original(), memory()];
    await from.keepLast('job-long', 3);
    const { code, field, value } = await refusal(copyLog(from, to, { clock }));
    expect({ code, field }).toEqual({ code: 'cut-off', field: 'stream' });
    expect(value).toMatch(/^job-long revision \d+$/);
  });
  it('when an event and its origin are too great for an append', async () => {
    const [from, to] = [memory(), memory()];
    const data = JSON.stringify('x'.repeat(MAX_APPEND_BYTES - 10));
    await from.append('job-big', 'no_stream', [{ id: uuid(1), type: 'T', data, metadata: '{}' }]);
    expect(await refusal(copyLog(from, to, { clock }))).toMatchObject({
      code: 'append-size',
      value: 'job-big revision 0',
    });
  });
  it('when somebody else writes to the target meanwhile', async () => {
    const [from, to] = [await original(), memory()];
    const rival = answering(to, async (nth, append) => {
      if (nth === 3) await to.append('job-long', 'any', [{ ...facts[0], id: uuid(1) }]);
      return append();
    });
    expect(await refusal(copyLog(from, rival, { clock }))).toMatchObject({ code: 'others-write', field: 'to' });
  });
});

describe('what a copy tells', () => {
  it('that the log went on, and which services had not stopped', async () => {
    const [from, to] = [await original(), memory()];
    let more = true;
    const report = await copyLog(from, to, {
      clock,
      onProgress: () => {
        if (more) void writeTo(from, [{ ...facts[0], stream: 'job-late', id: uuid(1) }]);
        more = false;
      },
    });
    expect(report).toMatchObject({ events: facts.length, behind: 1, difference: null });
    expect(report.running).toEqual(['engine@host-1']);
    expect(isWhole(report)).toBe(false);
  });
  it('that the target took something else than it was given', async () => {
    const [from, to] = [await original(), memory()];
    const altering = new Proxy(to, {
      get(inner, name: keyof EventStore) {
        if (name !== 'append') return (inner[name] as () => unknown).bind(inner);
        return (...[stream, expected, events]: Parameters<EventStore['append']>) =>
          inner.append(
            stream,
            expected,
            events.map((event) => ({ ...event, data: event.data.replace('60000', '60001') })),
          );
      },
    });
    const report = await copyLog(from, altering, { clock });
    expect(report.difference).toMatchObject({ kind: 'content', found: { stream: 'job-long', revision: 0 } });
    expect(report.check).toBeNull();
    expect(isWhole(report)).toBe(false);
  });
});

describe('holdfast copy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-copy-'));
  const at = (name: string) => join(folder, name);
  const from = at('from');
  let server: StandIn;

  beforeAll(async () => {
    const store = await EmbeddedEventStore.open({ path: from, clock: system, random: new SystemRandom() });
    await writeTo(store, written);
    await store.close();
    server = await StandIn.start();
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('copies a file to a new file, and tells what it did; the second time there is nothing to do', async () => {
    const files = readdirSync(folder);
    const { code, out, err } = await holdfast(['copy', from, at('to')]);
    expect(code).toBe(0);
    expect(out).toMatch(
      new RegExp(
        `^log \\S+, generation 1, up to position ${written.length}\ncopied to log \\S+, generation 2: ${facts.length} events now, .*\nboth are equal: sha256 [0-9a-f]{64}\n.*no violation\n$`,
      ),
    );
    expect(err).toMatch(/^holdfast: Not stopped in what was copied: engine@host-1\. .*\n$/);
    expect(readdirSync(folder).filter((name) => name.startsWith('from'))).toEqual(
      files.filter((name) => name.startsWith('from')),
    );
    const again = await holdfast(['copy', from, at('to'), '--json']);
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(again.out)).toMatchObject({
      whole: true,
      added: 0,
      events: facts.length,
      running: ['engine@host-1'],
    });
  });
  it('reads the copy as it read the log', async () => {
    await holdfast(['copy', from, at('to')]);
    const told = async (log: string, ...args: string[]) => (await holdfast([...args, '--log', log])).out;
    const withoutPositions = (text: string) => text.replace(/position \d+|"position":"\d+"/g, 'position');
    for (const args of [
      ['history', 'long', '--as-of', 'revision:9'],
      ['who-owned', 'long', '--at', 'revision:2'],
    ]) {
      const was = await told(from, ...args);
      expect(was).toMatch(/engine@host-1/);
      expect(withoutPositions(await told(at('to'), ...args))).toBe(withoutPositions(was));
    }
    const saw = async (log: string) =>
      (JSON.parse(await told(log, 'why', 'long', '--at', 'revision:2', '--json')) as { placement: object }).placement;
    expect(await saw(at('to'))).toEqual(await saw(from));
    expect(await saw(from)).toMatchObject({ services: [{}, {}] });
    const created = (text: string) => [...text.matchAll(/"created":"([^"]+)"/g)].map(([, time]) => time);
    const exported = await told(at('to'), 'export', '--job', 'long');
    expect(created(exported)).toEqual(created(await told(from, 'export', '--job', 'long')));
  });
  it('finds that a copy was tampered with', async () => {
    await holdfast(['copy', from, at('tampered')]);
    const db = new Database(at('tampered'));
    db.prepare("UPDATE events SET data = replace(data, '60000', '60001') WHERE position = 3").run();
    db.close();
    const { code, out, err } = await holdfast(['copy', from, at('tampered')]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /^holdfast: refused: to job-long revision 0: The target holds other events than this copy: .* has another data than where it is from .*\n$/,
    );
  });
  it('copies to a server and back, byte for byte', async () => {
    const there = await holdfast(['copy', from, server.connectionString]);
    expect({ code: there.code, out: there.out }).toMatchObject({
      code: 0,
      out: expect.stringMatching(/both are equal/) as string,
    });
    const back = await holdfast(['copy', server.connectionString, at('back')]);
    expect(back).toMatchObject({ code: 0, out: expect.stringMatching(/generation 3.*\nboth are equal/) as string });
    await holdfast(['copy', from, at('to')]);
    const bytes = async (log: string) => {
      const store = await EmbeddedEventStore.open({
        path: log,
        clock: system,
        random: new SystemRandom(),
        readOnly: true,
      });
      const events = (await all(store)).map(({ stream, revision, id, type, data, metadata }) => [
        stream,
        revision,
        id,
        type,
        data,
        metadata,
      ]);
      await store.close();
      return events;
    };
    expect(await bytes(at('back'))).toEqual(await bytes(at('to')));
  });
  it('makes no target for a log that is not there; bad usage is 2', async () => {
    expect(await holdfast(['copy', at('missing'), at('none')])).toMatchObject({ code: 3, out: '' });
    expect(readdirSync(folder)).not.toContain('none');
    expect(await holdfast(['copy', from])).toMatchObject({ code: 2 });
    expect(await holdfast(['copy', from, from])).toMatchObject({ code: 1 });
    expect((await holdfast(['copy', from, from, '--json'])).err).toMatch(/^\{"error":\{"code":"refused".*"field":"to"/);
    expect(await holdfast(['copy', from, 'esdb://'])).toMatchObject({ code: 2 });
  });
  it('that is killed goes on where it stopped', async () => {
    const store = await EmbeddedEventStore.open({ path: at('long'), clock: system, random: new SystemRandom() });
    const { id: _id, ...event } = facts[facts.length - 1];
    for (let n = 0; n < 8; n += 1) {
      const batch = Array.from({ length: 100 }, (_, k) => ({ ...event, id: uuid(n * 100 + k), data: `{"n":${n}}` }));
      await Promise.all(batch.map((one, k) => store.append(`job-${k}`, 'any', [one])));
    }
    await store.close();
    const killed = await installed(['copy', at('long'), at('long-to')], {
      NODE_OPTIONS: `--require ${killer(folder)}`,
    });
    expect(killed.code).toBeNull();
    const { code, out } = await installed(['copy', at('long'), at('long-to'), '--json']);
    const report = JSON.parse(out) as { added: number; events: number; difference: unknown };
    expect(report).toMatchObject({ events: 800, difference: null });
    expect(report.added).toBeLessThan(800);
    expect(report.added).toBeGreaterThan(0);
    expect(code).toBe(0);
  });
});

/** A module that kills its process as soon as the copy has some events. */
function killer(folder: string): string {
  const path = join(folder, 'killer.cjs');
  const watch = `const Database = require(${JSON.stringify(require.resolve('better-sqlite3'))});
setInterval(() => {
  try {
    const db = new Database(${JSON.stringify(join(folder, 'long-to'))}, { readonly: true });
    const { n } = db.prepare('SELECT count(*) AS n FROM events').get();
    db.close();
    if (n > 200) process.kill(process.pid, 'SIGKILL');
  } catch {}
}, 5).unref();`;
  writeFileSync(path, watch);
  return path;
}
