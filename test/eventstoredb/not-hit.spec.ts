import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SystemRandom } from '../../src/clock';
import type { AppendOutcome, EventStore, NewEvent } from '../../src/event-store';
import { ShiftedClock, clock, closeEverything, standIn, until } from './bare';
import { freshNamespace, openLog } from './log-of-its-own';
import type { StandIn } from './stand-in';

/** What ends, hangs or mixes up the bare client (bare-client*.spec.ts has the controls) does nothing to a log over it. */

const random = new SystemRandom();
const event = (more: Partial<NewEvent> = {}): NewEvent => ({
  ...{ id: random.uuid(clock.wall()), type: 'Happened', data: '{}', metadata: '{}' },
  ...more,
});

const open: EventStore[] = [];
const openOn = async (server: StandIn) => {
  const store = await openLog(server.connectionString, freshNamespace(), { appendTimeoutMs: 2_000 });
  open.push(store);
  return store;
};
const head = async (store: EventStore) => (await store.readStream('job-1', { direction: 'backwards', limit: 1 })).head;
afterEach(async () => {
  await Promise.all(open.splice(0).map((store) => store.close()));
  await closeEverything();
});

it('an append that is answered twice is written once, and the next one is answered', async () => {
  const server = await standIn();
  const store = await openOn(server);
  const fault = server.faults.onAppend({ kind: 'second-answer' }, { stream: (name) => name.endsWith('job-1') });
  const given = [event()];
  const first = await store.append('job-1', 'no_stream', given);
  expect(fault.hits).toBe(1);
  expect(['appended', 'unknown']).toContain(first.outcome);
  expect(await store.append('job-1', 'no_stream', given)).toMatchObject({ outcome: 'appended', revision: 0 });
  expect(await store.append('job-1', 0, [event()])).toMatchObject({ outcome: 'appended', revision: 1 });
});

it.each([
  ['an empty type', { type: '' }],
  ['the nil id', { id: '00000000-0000-0000-0000-000000000000' }],
  ['a malformed id', { id: 'not-an-id' }],
  ['a bigint in the data', { data: 1n as unknown as string }],
])('%s is refused before the client sees it', async (_what, wrong) => {
  const server = await standIn();
  const store = await openOn(server);
  await store.identity();
  const before = server.calls.length;
  expect((await store.append('job-1', 'no_stream', [event(), event(wrong)])).outcome).toBe('refused');
  expect(server.calls.length).toBe(before);
});

it('two logs on two servers in one process: when one server dies, the answers of the other are its own', async () => {
  const [dies, lives] = [await standIn(), await standIn()];
  const [doomed, store] = [await openOn(dies), await openOn(lives)];
  await Promise.all([doomed.identity(), store.identity()]);
  let release = () => {};
  const late = lives.faults.onAppend({ kind: 'late', until: new Promise<void>((resolve) => (release = resolve)) });
  const silent = dies.faults.onAppend({ kind: 'silence' });
  const answers: Promise<AppendOutcome>[] = [
    doomed.append('job-1', 'no_stream', [event()]),
    store.append('job-1', 'no_stream', [event()]),
  ];
  await until(() => late.hits === 1 && silent.hits === 1, 'both appends under way');
  await dies.faults.kill();
  expect((await answers[0]).outcome).toBe('unknown');
  release();
  expect(await answers[1]).toMatchObject({ outcome: 'appended', revision: 0 });
  expect(await store.append('job-1', 0, [event()])).toMatchObject({ outcome: 'appended', revision: 1 });
});

it('several appends on a cold connection are written in the order of their revisions, none is left out', async () => {
  const store = await openOn(await standIn());
  const answers = await Promise.all(Array.from({ length: 20 }, () => store.append('job-1', 'any', [event()])));
  expect(answers.map((answer) => answer.outcome === 'appended' && answer.revision).sort((a, b) => +a - +b)).toEqual(
    Array.from({ length: 20 }, (_, n) => n),
  );
  expect(await head(store)).toBe(19);
});

it('a clock that the server takes to be slow does not matter', async () => {
  const ahead = new ShiftedClock();
  ahead.ahead = 11_000;
  const store = await openOn(await standIn({ clock: ahead }));
  expect(await store.append('job-1', 'no_stream', [event()])).toMatchObject({ outcome: 'appended', revision: 0 });
});

describe('a trace of the client (DEBUG=esdb:*)', () => {
  const SECRET = 's3cr3t-of-theirs';
  const traced = async (...args: string[]) => {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DEBUG: 'esdb:*', DEBUG_DEPTH: '12' },
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text));
    const over = once(child, 'close');
    return { over, said: () => said, end: () => child.kill('SIGKILL') };
  };
  const at = ({ port }: StandIn) => `esdb://admin:${SECRET}@127.0.0.1:${port}?tls=false`;

  it('shows the password of the bare client', async () => {
    const control = await traced(join(__dirname, 'controls', 'append.cjs'), at(await standIn()), '{}');
    await until(() => control.said().includes('first acknowledged'), 'the append');
    control.end();
    await control.over;
    expect(control.said()).toContain(SECRET);
  });

  it('shows none of ours', async () => {
    const server = await standIn();
    await (await openLog(server.connectionString, 'traced')).close();
    const cli = join(__dirname, '..', '..', 'dist', 'cli', 'main.js');
    const process = await traced(cli, 'restored', at(server), '--namespace', 'traced');
    await process.over;
    expect(process.said()).toMatch(/esdb:command.*appendToStream/);
    expect(process.said()).toMatch(/admin:\*\*\*/);
    expect(process.said()).not.toContain(SECRET);
    expect(process.said()).not.toContain(Buffer.from(`admin:${SECRET}`).toString('base64'));
  });
});
