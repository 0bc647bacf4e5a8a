import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { StoreUnusableError, EmbeddedEventStore, type EventStore, type RecordedEvent } from '../../src/event-store';
import { SystemClock, SystemRandom } from '../../src/clock';
import { OutputClosedError, type CommandIo } from '../../src/cli/output';
import { run } from '../../src/cli/program';
import { healthyLog } from '../audit/healthy-log';
import { renumber, writeTo } from '../audit/recorder';
import { tamperings } from '../audit/tampering';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
const healthy = join(folder, 'healthy.log');
let writing: EventStore;

const open = (path: string) => EmbeddedEventStore.open({ path, clock: new SystemClock(), random: new SystemRandom() });

async function logOf(name: string, events: readonly RecordedEvent[], namespace = ''): Promise<string> {
  const path = join(folder, name);
  const store = await open(path);
  await writeTo(store, events, namespace);
  await store.close();
  return path;
}

/** Runs a command line and keeps what it prints. */
async function holdfast(...args: readonly string[]) {
  const text = { out: '', err: '' };
  const io: CommandIo = {
    out: { write: (part) => Promise.resolve(void (text.out += part)) },
    err: { write: (part) => Promise.resolve(void (text.err += part)) },
    interactive: false,
  };
  return { code: await run(args, io), ...text };
}

beforeAll(async () => {
  await logOf('healthy.log', healthyLog().events);
  // A service has the log open for writing the whole time.
  writing = await open(healthy);
});
afterAll(async () => {
  await writing.close();
  rmSync(folder, { recursive: true });
});

describe('holdfast verify', () => {
  it('finds a healthy log sound while a service writes to it', async () => {
    const { code, out, err } = await holdfast('verify', healthy);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^41 events of 3 jobs up to position 41 \(log [0-9a-f-]{36}, generation 1\): no violation\n$/);
  });
  it('prints JSON', async () => {
    const { code, out } = await holdfast('verify', '--json', healthy);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ events: 41, jobs: 3, position: '41', violations: [], violationCount: 0 });
  });
  it.each(tamperings.map((tampering, n) => ({ n, ...tampering })))(
    'reports $what, with the event that breaks it, and exits with 1',
    async ({ n, tamper, invariant, words }) => {
      const { events, broken } = tamper();
      const path = await logOf(`tampered-${n}.log`, events);
      const { code, out } = await holdfast('verify', path);
      expect(code).toBe(1);
      const id = events.find((e) => e.stream === broken.stream && e.revision === broken.revision)?.id ?? '';
      const [where, what] = out.split('\n');
      expect(where).toMatch(
        new RegExp(`^${invariant}  ${broken.stream} revision ${broken.revision}, position \\d+, event ${id}$`),
      );
      expect(what).toMatch(words);
      expect(out).toMatch(/: \d+ violations?\n$/);
      const json = JSON.parse((await holdfast('verify', '--json', path)).out) as { violations: object[] };
      expect(json.violations[0]).toMatchObject({ invariant, ...broken, eventId: id });
    },
  );
  it('reports an event that was deleted from the file, and one that was rewritten in it', async () => {
    const path = await logOf('edited.log', healthyLog().events);
    const db = new Database(path);
    db.prepare("DELETE FROM events WHERE stream = 'job-pinned' AND revision = 7").run();
    db.prepare(
      "UPDATE events SET data = json_set(data, '$.incarnation', 'forged') WHERE stream = 'job-long' AND type = 'JobRunSucceeded' AND revision = 8",
    ).run();
    db.close();
    const { code, out } = await holdfast('verify', path);
    expect(code).toBe(1);
    expect(out).toMatch(/I3 {2}job-long revision 8, .*\n .*JobRunSucceeded of attempt 2 .*incarnation forged/);
    expect(out).toMatch(/log {2}job-pinned revision 8, .*\n .*events are missing/);
  });
  it('checks one namespace', async () => {
    const path = await logOf('namespace.log', tamperings[0].tamper().events, 'acme');
    expect((await holdfast('verify', path)).code).toBe(0);
    expect((await holdfast('verify', path, '--namespace', 'acme')).code).toBe(1);
  });
  it('tells of what it cannot read, which is no violation', async () => {
    const strange = renumber(healthyLog().events).map((event) =>
      event.type === 'JobPaused' ? { ...event, type: 'JobTele\u001b[31mported' } : event,
    );
    const { code, out } = await holdfast('verify', await logOf('strange.log', strange));
    expect(code).toBe(0);
    expect(out).toMatch(
      /unreadable {2}job-pinned revision 9, position 32?[01], JobTele\\u001b\[31mported: no event type/,
    );
    expect(out).not.toContain('\u001b');
  });
  it('keeps its exit code when nobody reads to the end', async () => {
    const path = await logOf('unread.log', tamperings[0].tamper().events);
    const closed = { write: () => Promise.reject(new OutputClosedError()) };
    expect(await run(['verify', path], { out: closed, err: closed, interactive: false })).toBe(1);
    expect(await run(['history', 'long', '--log', path], { out: closed, err: closed, interactive: false })).toBe(0);
    expect(await run(['verify'], { out: closed, err: closed, interactive: false })).toBe(2);
  });
  it('shows progress to a person', async () => {
    let err = '';
    const io: CommandIo = {
      out: { write: () => Promise.resolve() },
      err: { write: (part) => Promise.resolve(void (err += part)) },
      interactive: true,
    };
    expect(await run(['verify', healthy], io)).toBe(0);
    expect(err).toMatch(/^\rchecked 41 events, position 41 of 41 \(100 %\)(, \d+ events\/s)?\u001b\[K\r\u001b\[K$/);
  });
  it('shows the event that breaks a rule among its neighbours, without payloads', async () => {
    const twice = tamperings.find(({ what }) => what === 'a second start of the same attempt')?.tamper();
    if (twice === undefined) throw new Error('there is no such tampering');
    const path = await logOf('neighbours.log', twice.events);
    const { out } = await holdfast('verify', path);
    const { revision } = twice.broken;
    const around = out.split('\n').slice(2, 7);
    expect(around.map((line) => line.slice(0, 8).trim().replace('> ', '>'))).toEqual(
      [revision - 2, revision - 1, `>${revision}`, revision + 1, revision + 2].map((one) => String(one)),
    );
    expect(around[2]).toMatch(/^ {4}> \d+ {2}\S+Z {2}JobRunStarted: attempt 1 of slot .* started on engine@host-1/);
    expect(out).not.toContain('never shown');
    const json = async (...args: readonly string[]) =>
      JSON.parse((await holdfast('verify', '--json', ...args, path)).out) as { violations: { neighbours: object[] }[] };
    const { violations } = await json();
    expect(violations[0].neighbours).toHaveLength(5);
    expect(violations[0].neighbours[2]).toMatchObject({ revision, type: 'JobRunStarted', breaks: true });
    expect((await json('--neighbours', '0')).violations[0].neighbours).toEqual([]);
    expect((await json('--neighbours', '1')).violations[0].neighbours).toHaveLength(3);
    const { code, err } = await holdfast('verify', '--neighbours', '51', path);
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/--neighbours: '51' is none. Give a whole number from 0 to 50/),
    ]);
  });
});

describe('holdfast history', () => {
  it('tells the life of a job, one line per fact, and what it adds up to', async () => {
    const { code, out } = await holdfast('history', 'long', '--log', healthy);
    const lines = out.trimEnd().split('\n');
    expect(code).toBe(0);
    expect(lines).toHaveLength(15);
    expect(lines[5]).toMatch(
      /^\d{4}-\d\d-\d\dT\S+Z {2}5 \(position 22\) {2}epoch 2: bound to engine@host-2 \(incarnation \S+\) because it took the job over: rank \d of 1/,
    );
    expect(lines[14]).toMatch(/^as of revision 13: bound, epoch 3; owned by engine@host-1/);
    expect(out).not.toContain('never shown');
  });
  it('prints one JSON object per fact', async () => {
    const { out } = await holdfast('history', 'single', '--log', healthy, '--json');
    const facts = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; position: unknown });
    expect(facts.map(({ type }) => type)).toEqual([
      'JobScheduled',
      'JobBoundToService',
      'JobRunStarted',
      'JobRunSucceeded',
      'JobCompleted',
    ]);
    expect(facts[0].position).toBe('6');
  });
  it.each(['revision:3', 'position:20'])('ends at a point (%s) and tells the state there', async (point) => {
    const { out } = await holdfast('history', 'long', '--log', healthy, '--as-of', point);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[4]).toMatch(/^as of revision 3: waiting, epoch 1; owned by engine@host-1/);
    const json = (await holdfast('history', 'long', '--log', healthy, '--as-of', point, '--json')).out;
    const last = JSON.parse(json.trimEnd().split('\n')[4]) as { asOf: { at: object } };
    expect(last.asOf).toMatchObject({ at: { revision: 3, position: '20' }, state: { epoch: 1 }, jobId: 'long' });
  });
  it('takes a time with its zone', async () => {
    const { code, out } = await holdfast('history', 'long', '--log', healthy, '--as-of', '2019-12-31T23:59:59+01:00');
    expect({ code, out }).toEqual({ code: 0, out: 'then: the job did not exist\n' });
    const late = await holdfast('history', 'long', '--log', healthy, '--as-of', '2199-01-01T00:00:00Z');
    expect(late.out.trimEnd().split('\n')).toHaveLength(15);
  });
  it('shows control characters instead of obeying them', async () => {
    const events = healthyLog().events.map((event) =>
      event.type === 'JobPaused' ? { ...event, data: event.data.replace('asked', 'a\\u001b[2J\\nb') } : event,
    );
    const { out } = await holdfast('history', 'pinned', '--log', await logOf('control.log', events));
    expect(out).toContain('paused: a\\u001b[2J\\u000ab');
    expect(out).not.toContain('\u001b');
  });
  it('looks into one namespace', async () => {
    const path = await logOf('history-namespace.log', healthyLog().events, 'acme');
    expect((await holdfast('history', 'long', '--log', path)).code).toBe(2);
    expect((await holdfast('history', 'long', '--log', path, '--namespace', 'acme')).code).toBe(0);
  });
});

describe('what cannot be done', () => {
  const foreign = join(folder, 'foreign.log');
  it.each<[string, string[], RegExp]>([
    ['no command', [], /Usage: holdfast/],
    ['an unknown command', ['explode'], /unknown command 'explode'/],
    ['an unknown option', ['verify', healthy, '--fast'], /unknown option '--fast'/],
    ['a missing path', ['verify'], /missing required argument 'log'/],
    ['too many paths', ['verify', healthy, healthy], /too many arguments/],
    ['a history without a log', ['history', 'long'], /required option '--log <path>'/],
    ['a point that is none', ['history', 'long', '--log', healthy, '--as-of', 'yesterday'], /'yesterday' is no point/],
    ['a time without a zone', ['history', 'x', '--log', healthy, '--as-of', '2020-01-01T00:00'], /time with its zone/],
    ['a job that does not exist', ['history', 'nobody', '--log', healthy], /No job nobody is in this log/],
    ['a log that does not exist', ['verify', join(folder, 'missing.log')], /missing\.log/],
    ['a file that is no log', ['verify', foreign], /foreign\.log/],
    ['a folder', ['verify', folder], /holdfast-cli-/],
  ])('%s: says so on the error output, and exits with 2', async (_what, args, message) => {
    writeFileSync(foreign, 'This is no log.\n'.repeat(100));
    const { code, out, err } = await holdfast(...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
    expect(err).not.toMatch(/\n {4}at /);
  });
  it('makes no file where there is none', async () => {
    await holdfast('verify', join(folder, 'missing.log'));
    expect(() => statSync(join(folder, 'missing.log'))).toThrow();
    await expect(
      EmbeddedEventStore.open({
        path: join(folder, 'missing.log'),
        readOnly: true,
        clock: new SystemClock(),
        random: new SystemRandom(),
      }),
    ).rejects.toThrow(StoreUnusableError);
  });
  it('is explained by --help, with the exit codes, and exits with 0', async () => {
    for (const args of [['--help'], ['verify', '--help'], ['history', '--help']]) {
      const { code, out, err } = await holdfast(...args);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(/Usage: holdfast/);
      expect(out).toMatch(/Exit codes: 0 .*1 .*2 /);
    }
  });
});

describe('the file', () => {
  it('begins with the line that makes it a command', () => {
    const source = readFileSync(join(__dirname, '../../src/cli/main.ts'), 'utf8');
    expect(source.startsWith('#!/usr/bin/env node\n')).toBe(true);
  });
});

describe('holdfast restored', () => {
  it('raises the generation of the log, and does not make one that is not there', async () => {
    const restored = await logOf('restored.log', healthyLog().events);
    expect(await holdfast('restored', restored)).toMatchObject({
      code: 0,
      out: expect.stringContaining('generation 2'),
    });
    expect(await holdfast('verify', restored)).toMatchObject({ code: 0, out: expect.stringContaining('generation 2') });
    const missing = join(folder, 'missing.log');
    expect(await holdfast('restored', missing)).toMatchObject({
      code: 2,
      err: expect.stringContaining('There is no log'),
    });
    expect(() => statSync(missing)).toThrow();
  });
});
