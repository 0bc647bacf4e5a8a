import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock, SystemRandom } from '../../src/clock';
import { EmbeddedEventStore } from '../../src/event-store';
import { healthyLog, incarnations, definition } from '../audit/healthy-log';
import { Recorder, writeTo } from '../audit/recorder';

/** The command as it is installed: what `npm run build` has made of it. */
const command = join(__dirname, '../../dist/cli/main.js');
const folder = mkdtempSync(join(tmpdir(), 'holdfast-command-'));
const path = join(folder, 'log');

beforeAll(async () => {
  if (!existsSync(command))
    throw new Error('dist/cli/main.js is missing: run `npm run build` first (`npm test` does).');
  const log = new Recorder();
  log.register('engine@host-1', incarnations.one);
  log.schedule('long', definition());
  log.claim('long', 'engine@host-1');
  for (let n = 0; n < 2_000; n += 1) {
    log.now += 60_000;
    log.startRun('long');
    log.complete('long');
  }
  const store = await EmbeddedEventStore.open({ path, clock: new SystemClock(), random: new SystemRandom() });
  await writeTo(store, log.events);
  await writeTo(
    store,
    healthyLog()
      .events.filter(({ stream }) => stream === 'job-single')
      .slice(0, 1),
  );
  await store.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the built command', () => {
  it('can be run as a file, by its first line', () => {
    expect(statSync(command).mode & 0o111).toBe(0o111);
    const { status, stdout } = spawnSync(command, ['verify', path], { encoding: 'utf8' });
    expect(stdout).toMatch(/of 2 jobs .*: no violation\n$/);
    expect(status).toBe(0);
  });
  it('tells bad usage by its exit code', () => {
    const { status, stdout, stderr } = spawnSync(command, ['verify', join(folder, 'missing')], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^holdfast: .*missing/);
  });
  it.each([['history', 'long'], ['export']])(
    '%s ends quietly when the reader of its pipe goes away',
    async (...args) => {
      const child = spawn(command, [...args, '--log', path], { stdio: ['ignore', 'pipe', 'pipe'] });
      let stderr = '';
      child.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
      // What it tells is longer than a pipe holds, so the command meets the closed pipe while it writes.
      child.stdout.once('data', () => child.stdout.destroy());
      const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    },
  );
});
