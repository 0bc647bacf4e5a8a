import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EmbeddedEventStore, SystemClock, SystemRandom, type NewEvent } from 'holdfast';
import { TokenRefusedError } from '../../examples/decision-engine/fence';
import type { Acknowledged } from '../processes/appending-process';
import { compare } from './append-kills';
import { Diary, readDiaries } from './diary';
import { FullDisk } from './full-disk';
import { covered } from './intervals';
import { Ledger, type Entry } from './ledger';
import { isStopped, isWriting } from './locks';

const ports = { clock: new SystemClock(), random: new SystemRandom() };
let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'holdfast-chaos-spec-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const eventOf = (id: string, filler = 0): NewEvent => ({
  id,
  type: 'Appended',
  data: JSON.stringify({ filler: 'x'.repeat(filler) }),
  metadata: '{}',
});

describe('the ledger', () => {
  const entry = (token: number): Entry => ({
    job: 'j',
    slot: 's',
    attempt: 1,
    token,
    service: 'chaos@h1',
    incarnation: 'i',
  });
  const never = new AbortController().signal;

  it('keeps every accepted write in its order, and refuses a token below the greatest that it has seen', async () => {
    const ledger = new Ledger(join(directory, 'ledger.sqlite'));
    await ledger.write('enter', entry(5), never);
    await ledger.write('enter', entry(6), never);
    await expect(ledger.write('late', entry(5), never)).rejects.toThrow(TokenRefusedError);
    await ledger.write('finish', entry(6), never);
    expect(ledger.written().map(({ kind, token }) => [kind, token])).toEqual([
      ['enter', 5],
      ['enter', 6],
      ['finish', 6],
    ]);
    expect(ledger.refused()).toMatchObject([{ job: 'j', token: 5, seen: 6 }]);
    expect(ledger.enteredSince(0)).toEqual(new Set(['j']));
    expect(ledger.enteredSince(Date.now() + 1_000)).toEqual(new Set());
    ledger.close();
  });

  it('waits for another writer without holding up the process, and no longer than its run', async () => {
    const path = join(directory, 'ledger.sqlite');
    const ledger = new Ledger(path);
    const other = new Database(path, { timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    const stop = new AbortController();
    const waiting = ledger.write('enter', entry(1), stop.signal);
    const patient = ledger.write('enter', entry(2), never);
    await ports.clock.sleep(20);
    stop.abort(new Error('told to stop'));
    await expect(waiting).rejects.toThrow('told to stop');
    other.exec('COMMIT');
    await patient;
    expect(ledger.written().map(({ token }) => token)).toEqual([2]);
    other.close();
    ledger.close();
  });
});

describe('who is in the middle of a commit', () => {
  it('is told by the kernel', () => {
    const path = join(directory, 'a.sqlite');
    const db = new Database(path);
    db.pragma('journal_mode = WAL');
    db.exec('CREATE TABLE t (a)');
    expect(isWriting(process.pid, path)).toBe(false);
    db.exec('BEGIN; SELECT * FROM t');
    expect(isWriting(process.pid, path)).toBe(false);
    db.exec('COMMIT; BEGIN IMMEDIATE');
    expect(isWriting(process.pid, path)).toBe(true);
    expect(isWriting(process.ppid, path)).toBe(false);
    db.exec('COMMIT');
    expect(isWriting(process.pid, path)).toBe(false);
    db.close();
    expect(isWriting(process.pid, join(directory, 'none.sqlite'))).toBe(false);
    expect(isStopped(process.pid)).toBe(false);
  });
});

describe('the full disk', () => {
  it('refuses what the log wants to write, certainly, until there is room again', async () => {
    const path = join(directory, 'log.sqlite');
    const disk = new FullDisk(path);
    const store = await EmbeddedEventStore.open({ path, ...ports });
    const append = () => store.append('job-1', 'any', [eventOf(ports.random.uuid(0), 20_000)]);
    expect((await append()).outcome).toBe('appended');
    disk.set(true);
    expect(await append()).toMatchObject({ outcome: 'unavailable', message: expect.stringContaining('disk is full') });
    expect(disk.set(false)).toBe(1);
    expect((await append()).outcome).toBe('appended');
    expect(disk.set(false)).toBe(0);
    await store.close();
  });
});

describe('diaries', () => {
  it('are read back, but for a line that was cut off', () => {
    const diary = new Diary(directory, { serviceId: 'chaos@h1' });
    diary.child({ jobId: 'j' }).info('job.started', { attempt: 1 });
    writeFileSync(join(directory, 'diary-99999999.jsonl'), '{"fact":"a","at":1,"mono":1,"pid":2}\n{"fact":"b","a');
    const lines = readDiaries(directory);
    expect(lines).toHaveLength(2);
    expect(lines).toEqual(
      expect.arrayContaining([
        { fact: 'a', at: 1, mono: 1, pid: 2 },
        expect.objectContaining({ fact: 'job.started', serviceId: 'chaos@h1', jobId: 'j', attempt: 1 }),
      ]),
    );
  });
});

describe('intervals', () => {
  it('that overlap are counted once, and only as far as they lie within', () => {
    expect(
      covered(
        [
          [30, 50],
          [0, 10],
          [5, 20],
          [40, 45],
        ],
        [8, 45],
      ),
    ).toBe(27);
    expect(covered([], [0, 10])).toBe(0);
  });
});

describe('the comparison after a kill in the midst of appends', () => {
  it('finds what was acknowledged and is not there, is elsewhere, or is there twice', async () => {
    const path = join(directory, 'log.sqlite');
    const store = await EmbeddedEventStore.open({ path, ...ports });
    const acknowledged: Acknowledged[] = [];
    for (let n = 0; n < 5; n++) {
      const id = ports.random.uuid(n);
      const answer = await store.append('round1-0', n === 0 ? 'no_stream' : n - 1, [eventOf(id)]);
      if (answer.outcome !== 'appended') throw new Error(answer.outcome);
      const { revision, position } = answer;
      acknowledged.push({ stream: 'round1-0', expected: n === 0 ? 'no_stream' : n - 1, id, revision, position });
    }
    await store.close();
    expect(await compare(path, acknowledged)).toEqual({ lost: 0, doubled: 0, inLog: 5 });
    const gone = { ...acknowledged[4], revision: 5, id: ports.random.uuid(9) };
    const moved = { ...acknowledged[3], position: acknowledged[3].position + 1n };
    expect(await compare(path, [...acknowledged.slice(0, 3), moved, gone])).toMatchObject({ lost: 2 });
    const db = new Database(path);
    db.prepare('UPDATE events SET id = (SELECT id FROM events WHERE revision = 0) WHERE revision = 1').run();
    db.prepare('DELETE FROM events WHERE revision = 3').run();
    db.close();
    // The one that was overwritten, the one that was deleted, and the gap that it leaves.
    expect(await compare(path, acknowledged)).toEqual({ lost: 3, doubled: 1, inLog: 4 });
  });
});
