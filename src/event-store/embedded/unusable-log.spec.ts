import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SystemClock, SystemRandom } from '../../clock';
import { StoreUnavailableError, StoreUnusableError } from '../port';
import { EmbeddedEventStore, type EmbeddedOptions } from '.';
import { networkFileSystem, typeOfMount } from './log-file';

const clock = new SystemClock();
const random = new SystemRandom();
let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-unusable-'));
  path = join(directory, 'log.sqlite');
});
afterEach(() => {
  chmodSync(directory, 0o700);
  rmSync(directory, { recursive: true, force: true });
});

const open = (options: Partial<EmbeddedOptions> = {}) => EmbeddedEventStore.open({ path, clock, random, ...options });

/** Why it is refused. A refusal names the path and a remedy. */
async function refusal(options: Partial<EmbeddedOptions> = {}): Promise<StoreUnusableError> {
  const opening = open(options).then(async (store) => {
    await store.close();
    throw new Error('it was opened');
  });
  const error: unknown = await opening.catch((reason: unknown) => reason);
  if (!(error instanceof StoreUnusableError)) throw error;
  expect(error.remedy).not.toBe('');
  expect(error.message).toContain(error.remedy);
  return error;
}

async function aLog(events = 300): Promise<void> {
  const store = await open();
  const data = JSON.stringify('x'.repeat(300));
  for (let n = 0; n < events; n += 100) {
    const batch = Array.from({ length: 100 }, () => ({ id: random.uuid(0), type: 'Happened', data, metadata: '{}' }));
    await store.append('job-1', 'any', batch);
  }
  await store.close();
}

describe('a log that cannot be used is refused:', () => {
  it('a file that is no database, which stays as it is', async () => {
    for (const content of ['hello', 'x'.repeat(10_000), '{"json": true}']) {
      writeFileSync(path, content);
      expect(await refusal()).toMatchObject({ code: 'foreign', message: expect.stringContaining(path) });
      expect(readFileSync(path, 'utf8')).toBe(content);
    }
    expect(readdirSync(directory)).toEqual(['log.sqlite']);
  });

  it('a database of another application, which stays as it is', async () => {
    for (const id of [0, 42]) {
      rmSync(path, { force: true });
      const db = new Database(path);
      db.exec(`CREATE TABLE events (a); PRAGMA application_id = ${id}`);
      db.close();
      const before = readFileSync(path);
      expect(await refusal()).toMatchObject({ code: 'foreign' });
      expect(readFileSync(path).equals(before)).toBe(true);
    }
  });

  it('a log of a newer version, which stays as it is', async () => {
    await aLog();
    const db = new Database(path);
    db.pragma('user_version = 2');
    db.close();
    const before = readFileSync(path);
    expect(await refusal()).toMatchObject({ code: 'newer', message: expect.stringContaining('version 2') });
    expect(await refusal({ readOnly: true })).toMatchObject({ code: 'newer' });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('a log with a damaged page', async () => {
    await aLog();
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.alloc(4_096, 0xa5), 0, 4_096, 5 * 4_096);
    expect(await refusal()).toMatchObject({ code: 'damaged', remedy: expect.stringContaining('backup') });
    expect(await refusal({ readOnly: true })).toMatchObject({ code: 'damaged' });
  });

  it('a log that was cut off', async () => {
    await aLog();
    truncateSync(path, 8 * 4_096);
    expect(await refusal()).toMatchObject({ code: 'damaged' });
  });

  it('a log without one of its tables', async () => {
    await aLog();
    const db = new Database(path);
    db.exec('DROP TABLE retention');
    db.close();
    expect(await refusal()).toMatchObject({ code: 'damaged', message: expect.stringContaining('retention') });
  });

  it('a log that has lost its identity', async () => {
    await aLog();
    const db = new Database(path);
    db.exec('DELETE FROM log');
    db.close();
    expect(await refusal()).toMatchObject({ code: 'damaged', message: expect.stringContaining('identity') });
  });

  it('a file that is read-only, but not for who only reads', async () => {
    await aLog();
    chmodSync(path, 0o400);
    expect(await refusal()).toMatchObject({ code: 'read-only', remedy: expect.stringContaining('read-only') });
    const store = await open({ readOnly: true });
    expect((await store.readAll({ after: 'start', limit: 1_000 })).events).toHaveLength(300);
    await store.close();
  });

  it('a directory that is read-only', async () => {
    await aLog();
    chmodSync(directory, 0o500);
    expect(await refusal()).toMatchObject({ code: 'read-only', message: expect.stringContaining('directory') });
  });

  it('a path that leads nowhere', async () => {
    expect(await refusal({ path: join(directory, 'missing', 'log.sqlite') })).toMatchObject({ code: 'path' });
    expect(await refusal({ path: directory })).toMatchObject({ code: 'path' });
    writeFileSync(join(directory, 'file'), '');
    expect(await refusal({ path: join(directory, 'file', 'log.sqlite') })).toMatchObject({ code: 'path' });
    for (const nonsense of ['', ' ', ':memory:', 'file:log?mode=memory', 'a\0b']) {
      expect(await refusal({ path: nonsense })).toMatchObject({ code: 'path' });
    }
  });

  it('a disk that has no room for a new log', async () => {
    expect(await refusal({ maxBytes: 3 * 4_096 })).toMatchObject({ code: 'disk-full' });
  });

  it('a driver that is missing', async () => {
    await jest.isolateModulesAsync(async () => {
      jest.doMock('better-sqlite3', () => {
        throw Object.assign(new Error("Cannot find module 'better-sqlite3'"), { code: 'MODULE_NOT_FOUND' });
      });
      const isolated: { EmbeddedEventStore: typeof EmbeddedEventStore } = jest.requireActual('.');
      const opening = isolated.EmbeddedEventStore.open({ path, clock, random });
      await expect(opening).rejects.toMatchObject({
        name: 'StoreUnusableError',
        code: 'driver-missing',
        remedy: expect.stringContaining('npm install better-sqlite3@^12'),
      });
    });
    jest.dontMock('better-sqlite3');
  });
});

describe('a log that another process keeps locked', () => {
  it('is waited for, and then unavailable', async () => {
    await aLog();
    const other = new Database(path, { timeout: 0 });
    other.pragma('journal_mode = DELETE');
    other.exec('BEGIN EXCLUSIVE');
    await expect(open({ lockTimeoutMs: 50 })).rejects.toMatchObject({
      name: new StoreUnavailableError('').name,
      code: 'busy',
    });
    const opening = open();
    other.exec('COMMIT');
    other.close();
    await (await opening).close();
  });
});

it('a log behind a symbolic link is one log', async () => {
  mkdirSync(join(directory, 'links'));
  symlinkSync(path, join(directory, 'links', 'log'));
  await aLog(100);
  const store = await open({ path: join(directory, 'links', 'log') });
  await store.append('job-1', 99, [{ id: random.uuid(0), type: 'T', data: '1', metadata: '{}' }]);
  await store.close();
  expect(readdirSync(join(directory, 'links'))).toEqual(['log']);
});

describe('network file systems', () => {
  const never = () => {
    throw new Error('the table of mounts was not needed');
  };
  it.each([
    [0x6969, 'nfs'],
    [0xff534d42, 'cifs'],
    [-11317950, 'cifs'],
    [0xfe534d42, 'smb2'],
    [0x01021997, '9p'],
  ])('type %s is refused as %s', (type, name) => expect(networkFileSystem(type, never)).toBe(name));

  it.each([0xef53, 0x01021994, 0x9123683e, 0x58465342, 0x794c7630])('type %s is local', (type) =>
    expect(networkFileSystem(type, never)).toBeNull(),
  );

  it('asks the table of mounts about FUSE', () => {
    expect(networkFileSystem(0x65735546, () => 'fuse.sshfs')).toBe('fuse.sshfs');
    expect(networkFileSystem(0x65735546, () => 'fuse.gocryptfs')).toBeNull();
    expect(networkFileSystem(0x65735546, () => null)).toBeNull();
  });

  it('finds the mount that holds a directory', () => {
    const table = [
      '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
      '30 22 0:40 / /data rw - fuse.sshfs host:/x rw',
      '31 30 0:41 / /data/a\\040b rw shared:1 - tmpfs tmpfs rw',
    ].join('\n');
    expect(typeOfMount(table, '/var/lib')).toBe('ext4');
    expect(typeOfMount(table, '/data/logs')).toBe('fuse.sshfs');
    expect(typeOfMount(table, '/data/a b/logs')).toBe('tmpfs');
    expect(typeOfMount(table, '/database')).toBe('ext4');
  });
});
