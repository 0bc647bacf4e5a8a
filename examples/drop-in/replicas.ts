import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * Three replicas of the application next door, on one log: one tick each second. After a while the replica that ticks is killed, and
 * another one goes on. Goes on until Ctrl-C; with `--once` it ends by itself and says whether any tick came twice.
 *
 * Flags: `--state <dir>` (default `.holdfast/drop-in`, emptied at start), `--tuned` (silence is noticed within a second), `--once`.
 */
const argv = process.argv.slice(2);
const once = argv.includes('--once');
const tuned = argv.includes('--tuned');
const state = argv.includes('--state') ? argv[argv.indexOf('--state') + 1] : '.holdfast/drop-in';
const TICKS_BEFORE_THE_KILL = 5;
const TICKS_AFTER_THE_KILL = 3;
/** The run of the last tick has ended by then. One that is lost with its process would be run again, as attempt 2. */
const BETWEEN_TICKS_MS = 300;

const replicas = new Map<string, ChildProcess>();
/** Second and attempt → who ticked. */
const ticks = new Map<string, string[]>();
let ticked = 0;
let killed: string | null = null;
let tickedAfter = 0;
let stopping = false;

function say(who: string, words: string): void {
  console.log(`${who.padEnd(10)} ${words}`);
}

function start(id: string): void {
  const child = fork(join(__dirname, 'app.js'), {
    env: { ...process.env, SERVICE_ID: id, STATE: state, LIVENESS: tuned ? 'tuned' : 'default' },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C in a terminal goes to the whole group; the replicas are told once, from here.
    detached: true,
  });
  replicas.set(id, child);
  for (const stream of [child.stdout, child.stderr]) {
    if (stream) createInterface(stream).on('line', (line) => heard(id, line));
  }
  child.on('exit', () => replicas.delete(id));
}

function heard(id: string, line: string): void {
  say(id, line);
  const [, second, attempt = ''] = /^tick (\S+) \(epoch \d+(, attempt \d+)?\)/.exec(line) ?? [];
  if (second === undefined) return;
  ticks.set(second + attempt, [...(ticks.get(second + attempt) ?? []), id]);
  ticked++;
  if (ticked === TICKS_BEFORE_THE_KILL) setTimeout(() => kill(id), BETWEEN_TICKS_MS);
  else if (killed !== null && id !== killed && ++tickedAfter === TICKS_AFTER_THE_KILL && once) void stop();
}

function kill(id: string): void {
  if (stopping) return;
  killed = id;
  say('', `SIGKILL for ${id}, which owns the job; the others will notice that it is silent`);
  replicas.get(id)?.kill('SIGKILL');
}

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  const ends = [...replicas.values()].map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of replicas.values()) child.kill('SIGTERM');
  await Promise.all(ends);
  const twice = [...ticks].filter(([, who]) => who.length > 1);
  for (const [second, who] of twice) say('', `the tick of ${second} came more than once: ${who.join(', ')}`);
  say('', `${ticks.size} ticks, ${twice.length} of them more than once`);
  process.exitCode = twice.length === 0 ? 0 : 1;
}

rmSync(state, { recursive: true, force: true });
mkdirSync(state, { recursive: true });
for (const id of ['replica-1', 'replica-2', 'replica-3']) start(id);
process.on('SIGINT', () => void stop());
process.on('SIGTERM', () => void stop());
