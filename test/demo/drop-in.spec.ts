import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');

/** `npm run drop-in -- --once`: what the README says of it. */
describe('three replicas of one application with one @Cron', () => {
  mkdirSync(join(root, '.holdfast'), { recursive: true });
  const state = mkdtempSync(join(root, '.holdfast', 'drop-in-'));
  afterAll(() => rmSync(state, { recursive: true, force: true }));

  it('tick once each second, and go on when the owner is killed', async () => {
    const script = join(root, 'build/examples/drop-in/replicas.js');
    const child = spawn(process.execPath, [script, '--once', '--tuned', '--state', state], {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    const code = await new Promise((resolve) => child.on('close', resolve));
    const lines = output.split('\n').filter((line) => / tick \d/.test(line));
    const killed = /SIGKILL for (\S+),/.exec(output)?.[1];
    const before = lines.slice(0, 5);
    const after = lines.filter((line) => !line.startsWith(`${killed} `));
    expect({ code, output }).toMatchObject({
      code: 0,
      output: expect.stringMatching(/\d ticks, 0 of them more than once/),
    });
    expect(before.every((line) => line.startsWith(`${killed} `))).toBe(true);
    expect(after.length).toBeGreaterThanOrEqual(3);
  }, 60_000);
});
