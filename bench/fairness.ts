import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedEventStore, SystemClock, SystemRandom, type EventStore, type NewEvent } from 'holdfast';

/**
 * Is the embedded log fair? Two processes write as fast as it takes them; a third one appends a single event now and then, each to be
 * acknowledged, and a fourth party listens. Prints a table and one line of JSON with `fairnessP99Ms`: the 99th percentile of the single
 * append, in milliseconds. Exit code 1 when it is above 250.
 *
 *     npm run bench:fairness [-- --seconds 10] [--directory DIR]
 */
const LIMIT_MS = 250;
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
  private wake = () => {};

  constructor(role: Role, path: string) {
    this.process = fork(__filename, ['--role', role, path]);
    this.process.on('message', (message: Message) => {
      this.messages.push(message);
      this.wake();
    });
    this.process.on('exit', (code) => {
      if (code) throw new Error(`a ${role} ended with code ${code}`);
    });
  }

  async next<K extends Message['kind']>(kind: K): Promise<Extract<Message, { kind: K }>> {
    for (;;) {
      const found = this.messages.find((message) => message.kind === kind);
      if (found) return found as Extract<Message, { kind: K }>;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  stop(): void {
    this.process.send('stop');
  }
}

/** One scene: these parties for so long. */
async function measure(path: string, writers: number, seconds: number): Promise<Record<string, number>> {
  const single = new Party('single', path);
  const listener = new Party('listener', path);
  const load = Array.from({ length: writers }, () => new Party('writer', path));
  const all = [single, listener, ...load];
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
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    maxMs: percentile(times, 1),
    heardP50Ms: percentile(heard, 0.5),
    heardP99Ms: percentile(heard, 0.99),
    leastWriterPerS: Math.min(...perWriter),
    mostWriterPerS: Math.max(...perWriter),
  };
}

function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? NaN;
  return Math.round(value * 10) / 10;
}

async function main(): Promise<void> {
  const option = (name: string) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? undefined : process.argv[at + 1];
  };
  const seconds = Number(option('seconds') ?? 10);
  if (!Number.isFinite(seconds) || seconds <= 0) throw new Error('--seconds: a number of seconds greater than 0');
  const directory = mkdtempSync(join(option('directory') ?? tmpdir(), 'holdfast-fairness-'));
  try {
    const idle = await measure(join(directory, 'idle.sqlite'), 0, Math.min(seconds, 3));
    const loaded = await measure(join(directory, 'loaded.sqlite'), 2, seconds);
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
    if (!(p99Ms <= LIMIT_MS)) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const [, , flag, role, path] = process.argv;
void (flag === '--role' ? child(role as Role, path) : main());
