import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { OwnTrust } from '../../src/membership/trust';
import { replaced } from './controls/control';
import { minimums, tooTame } from './minimums';
import { randomScript, shrink, simulate, type Script } from '../../src/testing/simulation';

const scripts = join(__dirname, 'scripts');
const command = join(__dirname, '../../build/test/simulation/main.js');
const run = promisify(execFile);

/** A world of a minute and a half. */
const short = (seed: number) => randomScript(seed, { durationMs: 90_000 });

describe('the same script', () => {
  it('has the same history, byte for byte, twice in one process and in another one', async () => {
    const script = randomScript(4_711, { durationMs: 150_000 });
    const [first, second] = [await simulate(script), await simulate(script)];
    expect(first.events).toBeGreaterThan(500);
    expect(second.hash).toBe(first.hash);
    const folder = mkdtempSync(join(tmpdir(), 'simulation-'));
    const file = join(folder, 'script.json');
    writeFileSync(file, JSON.stringify(script));
    const { stdout } = await run(process.execPath, [command, '--script', file, '--hash']);
    rmSync(folder, { recursive: true });
    expect(stdout.split('\n')[0]).toBe(first.hash);
  }, 120_000);

  it('has another history than another seed', async () => {
    const [first, second] = [await simulate(short(1)), await simulate({ ...short(1), seed: 2 })];
    expect(second.hash).not.toBe(first.hash);
  });

  it('takes no time of the machine: no timer of it is set', async () => {
    const timers = [jest.spyOn(global, 'setTimeout'), jest.spyOn(global, 'setInterval'), jest.spyOn(Date, 'now')];
    await simulate(short(3));
    for (const timer of timers) {
      expect(timer).not.toHaveBeenCalled();
      timer.mockRestore();
    }
  });
});

describe('recorded scripts: what the simulation has found stays mended', () => {
  const files = readdirSync(scripts).filter((file) => file.endsWith('.json'));
  it.each(files.map((file) => [read(file).about ?? file, file]))('%s', async (_, file) => {
    const { violations } = await simulate(read(file));
    expect(violations).toEqual([]);
  });
});

describe('what a lost log starts', () => {
  it('is given up by every policy for a lost owner, as one that nothing registers', async () => {
    const { counts } = await simulate(read('started-by-a-log-that-is-lost.json'));
    for (const what of ['started-by-a-lost-log', 'requeued-from-the-unregistered'])
      expect(counts.get(what)).toBeGreaterThanOrEqual(3);
    for (const reason of ['ownerUnregistered', 'fail', 'hold'])
      expect(counts.get(`abandoned-${reason}`)).toBeGreaterThanOrEqual(1);
  });
});

describe('worlds made of a seed', () => {
  it.each([1, 2, 3, 4, 5])('break no rule: seed %d', async (seed) => {
    const { violations, runs } = await simulate(short(seed));
    expect(violations).toEqual([]);
    expect(runs.length).toBeGreaterThan(10);
  });
});

describe('shrinking', () => {
  it('leaves what is needed, and nothing else', async () => {
    const script = randomScript(7);
    const needed = (one: Script) =>
      one.jobs.some(({ id }) => id === 'job-3') && one.actions.some((action) => action.do === 'order');
    const small = await shrink(script, (one) => Promise.resolve(needed(one) ? 500_000 : null));
    expect(small.jobs.map(({ id }) => id)).toEqual(['job-3']);
    expect(small.actions).toHaveLength(1);
    expect(small.places).toHaveLength(1);
    expect(small.durationMs).toBeLessThan(script.durationMs);
  });
});

describe('a broken rule, found in a world of many actions', () => {
  it('comes down to the few that break it', async () => {
    const script = randomScript(70_005);
    const mend = replaced(
      OwnTrust.prototype,
      'check',
      (check) =>
        function (this: OwnTrust) {
          const reason = check.call(this);
          return reason === 'trust-expired' ? null : reason;
        },
    );
    try {
      const [{ rule }] = (await simulate(script)).violations;
      const fails = async (one: Script) =>
        (await simulate(one, { heals: false })).violations.find((violation) => violation.rule === rule)?.at ?? null;
      const small = await shrink(script, fails, { withinMs: 90_000 });
      expect(script.actions.length).toBeGreaterThan(80);
      expect(small.actions.length).toBeLessThanOrEqual(3);
      expect(small.jobs.length).toBeLessThanOrEqual(3);
      expect(small.places.length).toBeLessThanOrEqual(2);
      expect(small.durationMs).toBeLessThanOrEqual(90_000);
      expect((await simulate(small)).violations.map((violation) => violation.rule)).toContain(rule);
    } finally {
      mend();
    }
  }, 180_000);
});

describe('worlds in which too little happens', () => {
  it('are found out, from fifty on', () => {
    const enough = new Map([...minimums].map(([what, per100]) => [what, per100]));
    expect(tooTame(100, enough)).toEqual([]);
    expect(tooTame(100, new Map([...enough, ['fenced', 1]]))).toEqual([
      `fenced: 1 times, and at least ${minimums.get('fenced')} are wanted`,
    ]);
    expect(tooTame(20, new Map())).toEqual([]);
  });
});

describe('npm run simulate', () => {
  it('replays a script, and says in its last line how many violations there were', async () => {
    const file = join(scripts, 'clock-ahead-after-a-long-absence.json');
    const { stdout } = await run(process.execPath, [command, '--script', file]);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('seeds 1, violations 0');
  });
  it('says the same with several processes as with one, in the order of the seeds', async () => {
    const asked = [command, '--seeds', '2', '--from', '70004', '--hash'];
    const [one, several] = await Promise.all([
      run(process.execPath, asked),
      run(process.execPath, [...asked, '--jobs', '2']),
    ]);
    const said = ({ stdout }: { stdout: string }) => stdout.split('\n').filter((line) => !line.startsWith('cpu time'));
    expect(said(several)).toEqual(said(one));
    expect(said(one).at(-2)).toBe('seeds 2, violations 0');
    expect(new Set(said(one).slice(0, 2)).size).toBe(2);
  }, 120_000);
  it.each([
    ['--seeds', 'many'],
    ['--jobs', '0'],
  ])('refuses what it does not know: %s %s', async (...asked) => {
    await expect(run(process.execPath, [command, ...asked])).rejects.toMatchObject({ code: 2 });
  });
});

function read(file: string): Script {
  return JSON.parse(readFileSync(join(scripts, file), 'utf8')) as Script;
}
