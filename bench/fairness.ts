import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedEventStore, SystemClock, SystemRandom, type EventStore, type NewEvent } from 'holdfast';
import type { BenchCase, BenchContext, Measured } from './case';
import { isMet } from './goals';
import { percentile } from './statistics';

/**
 * Is the embedded log fair? Two processes write as fast as it takes them; a third one appends a single event now and then, each to be
 * acknowledged, and a fourth party listens.
 *
 * By itself it prints a table and one line of JSON with `fairnessP99Ms`: the 99th percentile of the single append, in milliseconds.
 * Exit code 1 when the goal is missed.
 *
 *     npm run bench:fairness [-- --seconds 10] [--directory DIR]
 */
export const fairness: BenchCase = {
  name: 'fairness',
  keys: ['fairnessP99Ms'],
  rounds: 'median',
  async run({ directory, quick }: BenchContext): Promise<Measured> {
    const { idle, loaded } = await bothScenes(directory, quick ? 2 : SECONDS);
    return {
      figures: { fairnessP99Ms: loaded.p99Ms },
      beside: [
        { what: 'single append beside two writers: p50', value: `${loaded.p50Ms} ms` },
        { what: 'single append beside two writers: max', value: `${loaded.maxMs} ms` },
        { what: 'each writer, least', value: `${loaded.leastWriterPerS} events/s` },
        { what: 'each writer, most', value: `${loaded.mostWriterPerS} events/s` },
        { what: 'commit to delivery elsewhere, idle: p99', value: `${idle.heardP99Ms} ms` },
      ],
    };
  },
};

const SECONDS = 10;
const IDLE_SECONDS = 3;
/** Appends that a saturating writer keeps under way. */
const IN_FLIGHT = 256;
const SINGLE_EVERY_MS = 20;

type Role = 'writer' | 'single' | 'listener';
type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'written'; readonly events: number }
  | { readonly kind: 'times'; readonly times: readonly number[] };

const clock = new SystemClock();
const random = new SystemRandom();

function event(fields: object): NewEvent {
  const data = JSON.stringify({ ...fields, filling: 'x'.repeat(250) });
  return { id: random.uuid(clock.wall()), type: 'Measured', data, metadata: '{}' };
}

async function child(role: Role, path: string): Promise<void> {
  const store = await EmbeddedEventStore.open({ path, clock, random });
  const stop = new AbortController();
  process.on('message', () => stop.abort());
  const orphaned = () => process.exit(1);
  process.on('disconnect', orphaned);
  const send = (message: Message) => process.send?.(message);
  send({ kind: 'ready' });
  if (role === 'writer') send({ kind: 'written', events: await saturate(store, stop.signal) });
  if (role === 'single') send({ kind: 'times', times: await appendNowAndThen(store, stop.signal) });
  if (role === 'listener') send({ kind: 'times', times: await listen(store, stop.signal) });
  await store.close();
  process.off('disconnect', orphaned);
  process.disconnect();
}

async function saturate(store: EventStore, stop: AbortSignal): Promise<number> {
  let events = 0;
  const one = async (n: number) => {
    while (!stop.aborted) {
      const answer = await store.append(`load-${process.pid}.${n}`, 'any', [event({ n })]);
      if (answer.outcome === 'appended') events += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, n) => one(n)));
  return events;
}

async function appendNowAndThen(store: EventStore, stop: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  while (!stop.aborted) {
    const begun = clock.monotonic();
    const answer = await store.append('single-1', 'any', [event({ sentAt: clock.wall() })]);
    if (answer.outcome !== 'appended') throw new Error(`the single append was ${answer.outcome}`);
    times.push(clock.monotonic() - begun);
    await clock.sleep(SINGLE_EVERY_MS, stop);
  }
  return times;
}

/** From `created`, which is taken inside the transaction, to the delivery here: the commit itself is in it. Whole milliseconds. */
async function listen(store: EventStore, stop: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  const subscription = store.subscribe({
    after: 'end',
    categories: ['single'],
    onEvents: (events) => {
      for (const { created } of events) times.push(clock.wall() - created);
    },
  });
  await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()));
  await subscription.close();
  return times;
}

class Party {
  private readonly process: ChildProcess;
  private readonly messages: Message[] = [];
  private ended: string | null = null;
  private wake = () => {};

  constructor(role: Role, path: string) {
    this.process = fork(__filename, ['--role', role, path]);
    this.process.on('message', (message: Message) => {
      this.messages.push(message);
      this.wake();
    });
    this.process.on('exit', (code, signal) => {
      this.ended = `a ${role} ended with ${signal ?? `code ${code}`}`;
      this.wake();
    });
  }

  async next<K extends Message['kind']>(kind: K): Promise<Extract<Message, { kind: K }>> {
    for (;;) {
      const found = this.messages.find((message) => message.kind === kind);
      if (found) return found as Extract<Message, { kind: K }>;
      if (this.ended !== null) throw new Error(`${this.ended}, and has not said ${kind}`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  stop(): void {
    this.process.send('stop');
  }

  /** Whatever it is doing. */
  kill(): void {
    this.process.kill('SIGKILL');
  }
}

async function bothScenes(directory: string, seconds: number) {
  const idle = await measure(join(directory, 'idle.sqlite'), 0, Math.min(seconds, IDLE_SECONDS));
  const loaded = await measure(join(directory, 'loaded.sqlite'), 2, seconds);
  return { idle, loaded };
}

/** One scene: these parties for so long. */
async function measure(path: string, writers: number, seconds: number) {
  const single = new Party('single', path);
  const listener = new Party('listener', path);
  const load = Array.from({ length: writers }, () => new Party('writer', path));
  const all = [single, listener, ...load];
  try {
    await Promise.all(all.map((party) => party.next('ready')));
    await clock.sleep(seconds * 1_000);
    for (const party of all) party.stop();
    const written = await Promise.all(load.map((party) => party.next('written')));
    const { times } = await single.next('times');
    const heard = (await listener.next('times')).times;
    const perWriter = written.map(({ events }) => Math.round(events / seconds));
    return {
      writers,
      appends: times.length,
      p50Ms: tenths(percentile(times, 0.5)),
      p99Ms: tenths(percentile(times, 0.99)),
      maxMs: tenths(percentile(times, 1)),
      heardP50Ms: tenths(percentile(heard, 0.5)),
      heardP99Ms: tenths(percentile(heard, 0.99)),
      leastWriterPerS: Math.min(...perWriter),
      mostWriterPerS: Math.max(...perWriter),
    };
  } finally {
    for (const party of all) party.kill();
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

async function main(): Promise<void> {
  const option = (name: string) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? undefined : process.argv[at + 1];
  };
  const seconds = Number(option('seconds') ?? SECONDS);
  if (!Number.isFinite(seconds) || seconds <= 0) throw new Error('--seconds: a number of seconds greater than 0');
  const directory = mkdtempSync(join(option('directory') ?? tmpdir(), 'holdfast-fairness-'));
  try {
    const { idle, loaded } = await bothScenes(directory, seconds);
    console.table([idle, loaded]);
    const { p50Ms, p99Ms, maxMs, leastWriterPerS, mostWriterPerS } = loaded;
    console.log(
      JSON.stringify({
        fairnessP99Ms: p99Ms,
        fairnessP50Ms: p50Ms,
        fairnessMaxMs: maxMs,
        wakeP99Ms: idle.heardP99Ms,
        leastWriterPerS,
        mostWriterPerS,
        seconds,
      }),
    );
    if (!isMet('fairnessP99Ms', p99Ms)) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

if (require.main === module) {
  const [, , flag, role, path] = process.argv;
  void (flag === '--role' ? child(role as Role, path) : main());
}
