import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holdfast, installed, Installation, objects, Report, until } from './installation';

// Every case starts processes, on a machine that may be busy.
jest.setTimeout(120_000);

/** A year without a slot. */
const rarely = { kind: 'interval', every: 31_536_000_000 } as const;

describe('the installed command, while a service runs', () => {
  const here = new Installation();
  const at = (...args: string[]) => installed(args, { HOLDFAST_LOG: here.log });

  beforeAll(async () => {
    const engine = await here.service('engine');
    for (const id of ['a', 'b']) await engine.jobs.schedule(Report, { secret: 'x' }, { id, schedule: rarely });
    await until('all are owned', () => ['a', 'b'].every((id) => engine.readModel.job(id)?.status === 'bound'));
  });
  afterAll(() => here.end());

  it.each<[string[], RegExp]>([
    [['services'], /engine@host {2}live/],
    [['jobs', '--service', 'engine@host'], /^bound .* engine@host {2}report .* a$/m],
    [['job', 'a'], /^status +bound$/m],
    [['why', 'a'], /because it claimed the job/],
    [['who-owned', 'a'], /^a: engine@host/],
    [['export', '--job', 'a'], /"type":"JobBoundToService"/],
    [['history', 'a'], /bound to engine@host/],
    [['pause', 'a'], /^a: added JobPaused/],
    [['resume', 'a'], /^a: added JobResumed/],
    [['run-now', 'a'], /^a: added JobRunRequested/],
    [['bind', 'b', 'engine@host'], /^b: nothing was added/],
  ])('%j finds the log by HOLDFAST_LOG, and exits with 0', async (args, words) => {
    const { code, out, err } = await at(...args);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(words);
    expect(out).not.toContain('\u001b');
  });
  it('exits with 1 when refused, 2 on bad usage; --json is for errors, too', async () => {
    expect(await at('job', 'nobody', '--json')).toMatchObject({ code: 1, out: '' });
    expect(await at('drain', 'nobody@host')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/Known: engine@host\.\n$/),
    });
    const { code, out, err } = await installed(['jobs', '--json']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(JSON.parse(err)).toMatchObject({
      error: { code: 'usage', message: expect.stringMatching(/--log/) as string },
    });
  });
  it('two that write at once are both heard', async () => {
    const both = await Promise.all(['a', 'b'].map((id) => at('pause', id, '--json')));
    expect(both.map(({ out }) => objects(out)[0].added)).toEqual([1, 1]);
    const same = await Promise.all([1, 2].map(() => at('run-now', 'b', '--json', '--command-id', 'once')));
    expect(same.map(({ out }) => objects(out)[0].added).sort()).toEqual([0, 1]);
    expect((await installed(['verify', here.log])).code).toBe(0);
  });
});

describe('a log', () => {
  const here = new Installation();
  afterAll(() => here.end());
  const reads = [
    ['services'],
    ['jobs'],
    ['job', 'a'],
    ['why', 'a'],
    ['who-owned', 'a'],
    ['export'],
    ['history', 'a'],
    ['services', '--count'],
  ];

  it('that is not there is not made: 3, or 2 of the commands that audit', async () => {
    const missing = join(here.folder, 'missing', 'log.sqlite');
    const near = join(here.folder, 'missing.sqlite');
    for (const args of [['services'], ['pause', 'a'], ['export', '--json']]) {
      const { code, out, err } = await holdfast([...args, '--log', args[0] === 'pause' ? near : missing]);
      expect({ args, code, out }).toEqual({ args, code: 3, out: '' });
      expect(err).toMatch(/There is no log /);
    }
    expect((await holdfast(['history', 'a', '--log', near])).code).toBe(2);
    expect(here.files()).toEqual([]);
  });
  it('that nobody has open looks afterwards as before, for whoever only reads', async () => {
    const service = await here.service('engine');
    await service.jobs.schedule(Report, { secret: 'x' }, { id: 'a', schedule: rarely });
    await here.stop();
    const before = here.files();
    const { TMPDIR } = process.env;
    process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'holdfast-tmp-'));
    expect(before).not.toContain('log.sqlite-shm');
    for (const args of reads) {
      expect(await holdfast([...args, '--log', here.log])).toMatchObject({ code: 0, err: '' });
      expect({ args, files: here.files() }).toEqual({ args, files: before });
    }
    expect((await holdfast(['verify', here.log])).code).toBe(0);
    expect(here.files()).toEqual(before);
    // Nothing is left of the views either.
    expect(readdirSync(process.env.TMPDIR)).toEqual([]);
    rmSync(process.env.TMPDIR, { recursive: true });
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  it('can be written to while no service runs', async () => {
    for (let n = 0; n < 3; n += 1) {
      const { code } = await holdfast(['run-now', 'a', '--log', here.log, '--reason', 'x'.repeat(500)]);
      expect(code).toBe(0);
    }
    const words = (await holdfast(['why', 'a', '--log', here.log])).out;
    expect(words).toMatch(/^now: nobody owns it since .*; nobody may take it: no service is alive$/m);
  });
});
