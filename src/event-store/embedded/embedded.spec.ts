import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SystemClock, SystemRandom } from '../../clock';
import type { LogFields, Logger } from '../../logging';
import type { AppendOutcome, EventStore, NewEvent, RecordedEvent } from '../port';
import { EmbeddedEventStore, type EmbeddedOptions } from '.';

const clock = new SystemClock();
const random = new SystemRandom();
let directory: string;
let path: string;
let opened: EventStore[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-embedded-'));
  path = join(directory, 'log.sqlite');
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()));
  rmSync(directory, { recursive: true, force: true });
});

async function open(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedEventStore> {
  const store = await EmbeddedEventStore.open({ path, clock, random, ...options });
  opened.push(store);
  return store;
}
const event = (type = 'Happened', data = '{}'): NewEvent => ({ id: random.uuid(0), type, data, metadata: '{}' });
const large = () => event('Large', JSON.stringify('x'.repeat(20_000)));
const outcomes = (answers: readonly AppendOutcome[]) => answers.map(({ outcome }) => outcome);
const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await clock.sleep(1);
}

/** The connection itself: what is under test are its settings, which no port shows. */
function connectionOf(store: EmbeddedEventStore): Database.Database {
  return (store as unknown as { db: Database.Database }).db;
}

describe('durability', () => {
  it('syncs every commit: WAL with synchronous FULL, on every connection', async () => {
    for (const store of [await open(), await open()]) {
      const db = connectionOf(store);
      expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
      expect(db.pragma('synchronous', { simple: true })).toBe(2);
    }
  });

  it('never lets SQLite wait for a lock by itself, which would block the event loop', async () => {
    expect(connectionOf(await open()).pragma('busy_timeout', { simple: true })).toBe(0);
  });

  it('holds no transaction open between calls', async () => {
    const store = await open();
    await store.append('job-1', 'any', [event()]);
    await store.readAll({ after: 'start', categories: ['job'], limit: 1 });
    await store.readStream('job-1', { direction: 'forwards', limit: 1 });
    expect(connectionOf(store).inTransaction).toBe(false);
  });
});

describe('the files', () => {
  it('are for their owner alone', async () => {
    const store = await open();
    await store.append('job-1', 'any', [event()]);
    const files = readdirSync(directory).sort();
    expect(files).toEqual(['-bell', '-shm', '-turns', '-wal', ''].map((end) => `log.sqlite${end}`).sort());
    for (const file of files) expect(mode(join(directory, file))).toBe(file.endsWith('-turns') ? '700' : '600');
  });

  it('are closed to others when they were open to them', async () => {
    await (await open()).close();
    writeFileSync(`${path}-wal`, '', { mode: 0o644 });
    const { chmodSync } = await import('node:fs');
    chmodSync(path, 0o664);
    await open();
    expect([mode(path), mode(`${path}-wal`)]).toEqual(['600', '600']);
  });

  it('carry the application id and the schema version', async () => {
    await (await open()).close();
    const db = new Database(path, { readonly: true });
    expect(db.pragma('application_id', { simple: true })).toBe(0x484f4c44);
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    db.close();
  });

  it('are made by one of several that open a new log at once', async () => {
    const stores = await Promise.all(Array.from({ length: 8 }, () => open()));
    const identities = await Promise.all(stores.map((store) => store.identity()));
    expect(new Set(identities.map(({ id }) => id)).size).toBe(1);
  });

  it('are trimmed of what keepLast need not keep', async () => {
    const store = await open();
    await store.keepLast('beat-1', 10);
    for (let n = 0; n < 20; n++)
      await store.append(
        'beat-1',
        'any',
        Array.from({ length: 50 }, () => event()),
      );
    const { events } = await store.readStream('beat-1', { direction: 'forwards', limit: 10_000 });
    expect(events.length).toBeLessThan(150);
    expect(events.at(-1)?.revision).toBe(999);
  });

  it('are trimmed of what is older than keepLast was told, but for the newest event', async () => {
    const store = await open();
    for (let n = 0; n < 5; n++) await store.append('beat-1', 'any', [event()]);
    await store.append('beat-2', 'any', [event()]);
    const revisions = async () =>
      (await store.readStream('beat-1', { direction: 'forwards', limit: 100 })).events.map(({ revision }) => revision);
    await store.keepLast('beat-1', 256, 3_600_000);
    expect(await revisions()).toEqual([0, 1, 2, 3, 4]);
    connectionOf(store).prepare('UPDATE events SET created = created - 3600000 WHERE revision <> 3').run();
    await store.keepLast('beat-1', 256, 3_000_000);
    expect(await revisions()).toEqual([3, 4]);
    connectionOf(store).prepare('UPDATE events SET created = created - 3600000').run();
    await store.keepLast('beat-1', 256, 3_000_000);
    expect(await revisions()).toEqual([4]);
    expect(await store.append('beat-1', 'any', [event()])).toMatchObject({ outcome: 'appended', revision: 5 });
    expect((await store.readStream('beat-2', { direction: 'forwards', limit: 1 })).events).toHaveLength(1);
  });
});

describe('several stores on one file', () => {
  it('write in turn, none is shut out, and nothing is lost', async () => {
    const stores = await Promise.all([open(), open(), open()]);
    const answers = await Promise.all(
      stores.flatMap((store, s) =>
        Array.from({ length: 100 }, (_, n) => store.append(`job-${s}.${n}`, 'no_stream', [event()])),
      ),
    );
    expect(new Set(outcomes(answers))).toEqual(new Set(['appended']));
    for (const store of stores)
      expect((await store.readAll({ after: 'start', limit: 1_000 })).events).toHaveLength(300);
    expect(readdirSync(`${path}-turns`)).toEqual([]);
  });

  it('wake each other without looking all the time', async () => {
    const [writer, listener] = [await open(), await open()];
    const heard: RecordedEvent[] = [];
    listener.subscribe({ after: 'end', onEvents: (events) => void heard.push(...events) });
    for (let n = 1; n <= 20; n++) {
      await writer.append('job-1', 'any', [event()]);
      await until(() => heard.length === n);
    }
    expect(heard.map(({ revision }) => revision)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('hear of each other also when the bell is lost', async () => {
    const [writer, listener] = [await open(), await open()];
    const heard: RecordedEvent[] = [];
    listener.subscribe({ after: 'end', onEvents: (events) => void heard.push(...events) });
    await writer.append('job-1', 'any', [event()]);
    await until(() => heard.length === 1);
    rmSync(`${path}-bell`);
    await writer.append('job-1', 'any', [event()]);
    await until(() => heard.length === 2);
    await writer.append('job-1', 'any', [event()]);
    await until(() => heard.length === 3);
  });

  it('pass a ticket by whose process is gone', async () => {
    const store = await open();
    writeFileSync(join(`${path}-turns`, '000000000001-99999-1'), '');
    expect((await store.append('job-1', 'any', [event()])).outcome).toBe('appended');
    expect(readdirSync(`${path}-turns`)).toEqual([]);
  });
});

describe('a lock that cannot be had', () => {
  it('leaves an append certainly unwritten', async () => {
    const store = await open({ lockTimeoutMs: 100 });
    const other = new Database(path, { timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    const answers = await Promise.all([
      store.append('job-1', 'any', [event()]),
      store.append('b', 'any', [event()], { lane: 'urgent' }),
    ]);
    other.exec('COMMIT');
    other.close();
    expect(outcomes(answers)).toEqual(['unavailable', 'unavailable']);
    expect(await store.head()).toBe('start');
    expect((await store.append('job-1', 'no_stream', [event()])).outcome).toBe('appended');
  });

  it('is waited for without blocking the event loop', async () => {
    const store = await open();
    const other = new Database(path, { timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    let answered = false;
    const appending = store.append('job-1', 'any', [event()]).finally(() => (answered = true));
    for (let turn = 0; turn < 20; turn++) await clock.sleep(1);
    expect(answered).toBe(false);
    other.exec('COMMIT');
    other.close();
    expect((await appending).outcome).toBe('appended');
  });

  it('does not keep readers waiting', async () => {
    const store = await open();
    await store.append('job-1', 'any', [event()]);
    const other = new Database(path, { timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    expect((await store.readAll({ after: 'start', limit: 10 })).events).toHaveLength(1);
    other.exec('COMMIT');
    other.close();
  });

  it('is taken by what is urgent before everything else that waits', async () => {
    const store = await open();
    const other = new Database(path, { timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    const work = Array.from({ length: 400 }, (_, n) => store.append(`job-${n}`, 'any', [event()]));
    const beat = store.append('beat-1', 'any', [event()], { lane: 'urgent' });
    other.exec('COMMIT');
    const answer = await beat;
    await Promise.all(work);
    expect(answer).toMatchObject({ outcome: 'appended', position: 1n });
    other.close();
  });
});

describe('a full disk', () => {
  it('leaves appends certainly unwritten, and is over when there is room again', async () => {
    const store = await open({ maxBytes: 600_000 });
    await store.append('job-1', 'no_stream', [event()]);
    let revision = -1;
    let answer: AppendOutcome;
    while ((answer = await store.append('beat-1', 'any', [large()])).outcome === 'appended') revision = answer.revision;
    expect(answer).toMatchObject({ outcome: 'unavailable', message: expect.stringContaining('disk is full') });
    expect(revision).toBeGreaterThan(10);
    expect(await store.readStream('beat-1', { direction: 'backwards', limit: 1 })).toMatchObject({ head: revision });
    await store.keepLast('beat-1', 1);
    expect(await store.append('beat-1', revision, [large()])).toMatchObject({
      outcome: 'appended',
      revision: revision + 1,
    });
    expect((await store.readStream('job-1', { direction: 'forwards', limit: 10 })).events).toHaveLength(1);
  });
});

describe('a log that was moved away while it is open', () => {
  it('takes no more appends: nobody would find them', async () => {
    const store = await open();
    await store.append('job-1', 'no_stream', [event()]);
    renameSync(path, `${path}.old`);
    const answer = await store.append('job-1', 0, [event()]);
    expect(answer).toMatchObject({ outcome: 'unavailable', message: expect.stringContaining('moved') });
    renameSync(`${path}.old`, path);
    expect((await store.append('job-1', 0, [event()])).outcome).toBe('appended');
  });
});

describe('a log that is only read', () => {
  it('is read and heard while services write, and takes nothing', async () => {
    const writer = await open();
    await writer.append('job-1', 'no_stream', [event()]);
    const reader = await open({ readOnly: true });
    const heard: RecordedEvent[] = [];
    reader.subscribe({ after: 'start', onEvents: (events) => void heard.push(...events) });
    await writer.append('job-1', 0, [event()]);
    await until(() => heard.length === 2);
    expect(await reader.append('job-1', 1, [event()])).toMatchObject({ outcome: 'refused', code: 'read-only' });
    await expect(reader.keepLast('job-1', 1)).rejects.toMatchObject({ code: 'read-only' });
    await expect(reader.raiseGeneration()).rejects.toMatchObject({ code: 'read-only' });
    expect(await reader.identity()).toEqual(await writer.identity());
  });

  it('is read after all services have ended, and no file is left behind', async () => {
    const writer = await open();
    await writer.append('job-1', 'no_stream', [event()]);
    await writer.close();
    rmSync(`${path}-bell`);
    rmSync(`${path}-turns`, { recursive: true });
    const reader = await open({ readOnly: true });
    expect((await reader.readAll({ after: 'start', limit: 10 })).events).toHaveLength(1);
    await reader.close();
    expect(readdirSync(directory).filter((file) => !/-(wal|shm)$/.test(file))).toEqual(['log.sqlite']);
  });

  it('must exist', async () => {
    await expect(open({ readOnly: true })).rejects.toMatchObject({ name: 'StoreUnusableError', code: 'path' });
    expect(existsSync(path)).toBe(false);
  });
});

describe('the log’s clock', () => {
  /** The machine's clock, whose wall can be set. */
  class Adjustable extends SystemClock {
    wallBy = 0;
    bootBy = 0;
    override wall = () => super.wall() + this.wallBy + this.bootBy;
    override boot = () => super.boot() + this.bootBy;
  }
  const createdBy = async (store: EventStore) => {
    const answer = await store.append('job-1', 'any', [event()]);
    if (answer.outcome !== 'appended') throw new Error(answer.outcome);
    return (await store.readAt(answer.position))?.created ?? NaN;
  };

  it('does not follow a jump of the wall clock at once, says so, and adopts it after a minute, for all processes', async () => {
    const lines: [string, LogFields | undefined][] = [];
    const warn = (fact: string, fields?: LogFields) => void lines.push([fact, fields]);
    const logger = { warn } as unknown as Logger;
    const adjustable = new Adjustable();
    const [first, second] = [await open({ clock: adjustable, logger }), await open({ clock: adjustable, logger })];
    const before = await createdBy(first);
    adjustable.wallBy = -3_600_000;
    expect(await createdBy(first)).toBeGreaterThanOrEqual(before);
    expect(await createdBy(second)).toBeGreaterThanOrEqual(before);
    expect(lines.map(([fact]) => fact)).toEqual(['log.clock-differs']);
    adjustable.bootBy = 61_000;
    const adopted = await createdBy(second);
    expect(adopted).toBeLessThan(before - 3_500_000);
    expect(await createdBy(first)).toBeLessThan(before - 3_500_000);
    expect(lines.map(([fact]) => fact)).toEqual(['log.clock-differs', 'log.clock-adopted']);
    await first.close();
    await second.close();
    const again = await open({ clock: adjustable });
    expect(await createdBy(again)).toBeLessThan(before - 3_500_000);
  });
});

it('is not stopped by what lies in the directory of turns', async () => {
  const store = await open();
  appendFileSync(join(`${path}-turns`, 'notes.txt'), 'x');
  expect((await store.append('job-1', 'any', [event()])).outcome).toBe('appended');
  rmSync(`${path}-turns`, { recursive: true });
  expect((await store.append('job-1', 'any', [event()])).outcome).toBe('appended');
});
