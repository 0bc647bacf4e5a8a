import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** The main job, broken on purpose: the judge must notice, name the audit, and exit non-zero. That it exits 0 when nothing is broken is `.ci/run`'s last step. */
const root = join(__dirname, '../..');
const PATIENCE_MS = 180_000;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function demo(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'build/examples/decision-engine/demo.js'), ...args], {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Runs the demo without an end until it has said `words`, then presses Ctrl-C. */
function interrupted(state: string, words: RegExp): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'build/examples/decision-engine/demo.js'), '--state', state], {
      cwd: root,
    });
    let output = '';
    let pressed = false;
    child.stdout.on('data', (chunk) => {
      output += String(chunk);
      if (pressed || !words.test(output)) return;
      pressed = true;
      child.kill('SIGINT');
    });
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    child.on('close', (code) => resolve({ code, output }));
  });
}

describe('npm run demo -- --once, with a fault', () => {
  const states: string[] = [];
  const judged = async (fault: string): Promise<Ended & { readonly verdicts: string[] }> => {
    const state = mkdtempSync(join(root, '.holdfast', `demo-${fault}-`));
    states.push(state);
    const ended = await demo('--once', '--state', state, '--fault', fault);
    const verdicts = ended.output.split('\n').filter((line) => /\bjudge\b/.test(line));
    return { ...ended, verdicts };
  };
  beforeAll(() => void mkdirSync(join(root, '.holdfast'), { recursive: true }));
  afterAll(() => states.forEach((state) => rmSync(state, { recursive: true, force: true })));

  it.each([
    ['requeue-off', /audit-long-home-c: its owner engine@host-\w died and it was never requeued/],
    ['duplicate-start', /audit-[\w-]+: slot \S+, attempt \d+ was started twice/],
    [
      'lost-outcome',
      /audit-[\w-]+: slot \S+, attempt \d+ was finished by engine@host-\w, but the log has no outcome of it/,
    ],
    ['idle-kill', /audit-long-home-c: its engine engine@host-\w did not die of SIGKILL in mid-run/],
  ])(
    '%s: exits non-zero and names the audit',
    async (fault, words) => {
      const { code, verdicts, output } = await judged(fault);
      expect({ code, verdicts, output }).toMatchObject({
        code: 1,
        verdicts: expect.arrayContaining([expect.stringMatching(words)]),
      });
    },
    PATIENCE_MS,
  );
});

describe('npm run demo', () => {
  it(
    'drains on Ctrl-C and says so; started again it schedules nothing twice',
    async () => {
      mkdirSync(join(root, '.holdfast'), { recursive: true });
      const state = mkdtempSync(join(root, '.holdfast', 'demo-again-'));
      try {
        const first = await interrupted(state, /19 new, 0 were there already/);
        expect(first).toMatchObject({
          code: 0,
          output: expect.stringContaining('every engine has handed over or finished'),
        });
        const second = await interrupted(state, /0 new, 19 were there already/);
        expect(second).toMatchObject({
          code: 0,
          output: expect.stringContaining('every engine has handed over or finished'),
        });
      } finally {
        rmSync(state, { recursive: true, force: true });
      }
    },
    PATIENCE_MS,
  );

  it('refuses a flag that it does not know, and names it', async () => {
    expect(await demo('--twice')).toMatchObject({ code: 2, output: expect.stringContaining('--twice') });
    expect(await demo('--fault', 'bad-luck')).toMatchObject({ code: 2, output: expect.stringContaining('bad-luck') });
  });

  it('refuses a state folder that cannot be made, in words', async () => {
    const file = join(root, 'package.json');
    for (const state of ['/proc/demo', file, join(file, 'below')]) {
      const { code, output } = await demo('--state', state);
      expect({ code, output }).toMatchObject({ code: 2, output: expect.stringContaining('--state') });
      expect(output).not.toMatch(/^ {4}at /m);
    }
  });

  it('has its state folder for itself', async () => {
    mkdirSync(join(root, '.holdfast'), { recursive: true });
    const state = mkdtempSync(join(root, '.holdfast', 'demo-lock-'));
    const other = new Database(join(state, 'demo.lock'));
    try {
      other.exec('BEGIN; SELECT count(*) FROM sqlite_master');
      const { code, output } = await demo('--fresh', '--state', state);
      expect({ code, output }).toMatchObject({ code: 2, output: expect.stringContaining(`uses ${state}`) });
    } finally {
      other.close();
      rmSync(state, { recursive: true, force: true });
    }
  }, 30_000);

  it('explains itself', async () => {
    expect(await demo('--help')).toMatchObject({ code: 0, output: expect.stringContaining('--once') });
  });
});
