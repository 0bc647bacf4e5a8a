import { EmbeddedEventStore } from '../../src/event-store';
import { holdfast, Installation, objects, Report, until } from './installation';

/** A year without a slot. */
const rarely = { kind: 'interval', every: 31_536_000_000 } as const;

describe('the commands that read, while a service runs', () => {
  const here = new Installation();
  const at = (...args: string[]) => holdfast([...args, '--log', here.log]);

  beforeAll(async () => {
    const engine = await here.service('engine', (payload) => {
      if ((payload as { secret: string }).secret === 'broken') throw new TypeError('no such report');
    });
    const { jobs } = engine;
    const schedule = (id: string, secret: string, more: object = {}) =>
      jobs.schedule(Report, { secret }, { id, schedule: rarely, tag: { name: 'engine' }, ...more });
    await schedule('monthly', 'hunter2');
    await schedule('elsewhere', 'x', { tag: { name: 'nobody' } });
    await schedule('stopped', 'x');
    await schedule('failing', 'broken', {
      schedule: { kind: 'once' },
      policies: { retry: { maxRetries: 3, initialMs: 3_600_000, maxMs: 3_600_000 } },
    });
    await jobs.schedule(Report, { secret: 'x' }, { id: 'done', schedule: { kind: 'once' } });
    const owned = (id: string) => engine.readModel.job(id)?.serviceId === 'engine@host';
    await until('all are owned', () => ['monthly', 'stopped'].every(owned));
    await jobs.pause('stopped', { reason: 'the \u001b[31mprinter\n is out of paper' });
    const status = (id: string) => engine.readModel.job(id)?.status;
    await until('what runs has run', () => status('done') === 'completed' && status('failing') === 'waiting');
    await until('the pause is seen', () => status('stopped') === 'paused');
  });
  afterAll(() => here.end());

  it.each([
    ['services', '--count'],
    ['jobs'],
    ['job', 'monthly'],
    ['why', 'monthly'],
    ['who-owned', 'monthly'],
    ['history', 'monthly'],
    ['export'],
    ['verify'],
  ])('open the log for reading only: %s', async (...args) => {
    const open = jest.spyOn(EmbeddedEventStore, 'open');
    const { code } = args[0] === 'verify' ? await holdfast(['verify', here.log]) : await at(...args);
    expect([code, open.mock.calls.map(([{ readOnly }]) => readOnly)]).toEqual([0, [true]]);
    open.mockRestore();
  });

  it.each(['why', 'who-owned'])('%s: tell nothing of what has not come', async (command) => {
    const { code, err } = await at(command, 'monthly', '--at', '2999-01-01T00:00:00Z');
    expect(code).toBe(2);
    expect(err).toContain('--at: 2999-01-01T00:00:00Z has not come yet. Give a time that has passed');
  });

  it.each([
    ['jobs', '--status', 'bound,bogus'],
    ['export', '--category', 'bogus'],
  ])('refuse words that are none: %s %s', async (...args) => {
    const { code, out, err } = await at(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/'bogus' is none. Give one or more of \w+, /);
  });

  describe('services', () => {
    it('lists them, in columns', async () => {
      const { code, out, err } = await at('services');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const [heading, row, ...more] = out.trimEnd().split('\n');
      expect(heading).toMatch(/^SERVICE {6}STATE {2}JOBS {2}RUNS +LAST BEAT {2}SINCE +HANDLERS$/);
      expect(row).toMatch(/^engine@host {2}live +\d+ +0 +\d+\.\d s ago {2}\d{4}-\d\d-\d\dT\S+Z {2}report$/);
      expect(more).toEqual([]);
    });
    it('as JSON, one object a line; --count counts in the log', async () => {
      const { code, out } = await at('services', '--json', '--count');
      expect(code).toBe(0);
      expect(objects(out)).toEqual([
        expect.objectContaining({
          serviceId: 'engine@host',
          state: 'live',
          jobs: 3,
          handlers: { report: expect.any(String) as string },
          labels: { host: 'host', name: 'engine', zone: 'engine' },
          registeredAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        }),
      ]);
    });
  });

  describe('jobs', () => {
    it('lists those that fulfil every condition', async () => {
      const { code, out, err } = await at('jobs');
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const rows = out.trimEnd().split('\n');
      expect(rows[0]).toMatch(/^STATUS +NEXT RUN +OWNER +HANDLER +TAG +JOB$/);
      expect(rows.slice(1).map((row) => row.split(/ {2,}/).at(-1))).toEqual([
        'done',
        'elsewhere',
        'failing',
        'monthly',
        'stopped',
      ]);
      const ids = async (...filter: string[]) =>
        objects(await at('jobs', '--json', ...filter).then(({ out: text }) => text)).map(({ jobId }) => jobId);
      expect(await ids('--service', 'engine@host', '--status', 'bound,paused')).toEqual(['monthly', 'stopped']);
      expect(await ids('--service', 'none', '--status', 'unbound')).toEqual(['elsewhere']);
      expect(await ids('--tag', 'name=engine', '--tag', 'host=other')).toEqual([]);
      expect(await ids('--tag', 'name=nobody')).toEqual(['elsewhere']);
      expect(await ids('--handler', 'other')).toEqual([]);
    });
    it('fits into a terminal of 80 columns, and cuts no id', async () => {
      const { out } = await holdfast(['jobs', '--log', here.log], 80);
      const rows = out.trimEnd().split('\n');
      expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(80);
      expect(rows[2]).toMatch(/^unbound .* report .* elsewhere$/);
      const narrow = (await holdfast(['jobs', '--log', here.log], 74)).out.trimEnd().split('\n');
      expect(Math.max(...narrow.map((row) => row.length))).toBeLessThanOrEqual(74);
      expect(narrow[4]).toMatch(/…/);
      expect(narrow[4]).toMatch(/ monthly$/);
    });
    it('says when there are more', async () => {
      const { out, err } = await at('jobs', '--limit', '2');
      expect(out.trimEnd().split('\n')).toHaveLength(3);
      expect(err).toMatch(/^There may be more than these 2 jobs: use --limit <n> or --all\.\n$/);
      expect(objects((await at('jobs', '--json', '--limit', '1', '--all')).out)).toHaveLength(5);
    });
    it('refuses what is no status, no pair, no limit', async () => {
      const status = await at('jobs', '--status', 'sleepy');
      expect(status).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringMatching(/--status: 'sleepy' is none. Give one or more of unbound, /),
      });
      expect(await at('jobs', '--tag', 'engine')).toMatchObject({ code: 2, err: expect.stringMatching(/key=value/) });
      expect(await at('jobs', '--limit', '0')).toMatchObject({ code: 2, err: expect.stringMatching(/--limit: '0'/) });
      const json = await at('jobs', '--status', 'sleepy', '--json');
      expect(JSON.parse(json.err)).toMatchObject({ error: { message: expect.stringContaining('--status') as string } });
    });
  });

  describe('job', () => {
    it('shows one, without its payload', async () => {
      const { code, out } = await at('job', 'monthly');
      expect(code).toBe(0);
      expect(out).toMatch(/^job +monthly\nstatus +bound\nhandler +report\n/);
      expect(out).toMatch(/^owner +engine@host \(incarnation \S+\), epoch 1, since \S+Z$/m);
      expect(out).toMatch(/^its owner +live, last beat \d\.\d s ago$/m);
      expect(out).not.toContain('hunter2');
      expect((await at('job', 'monthly', '--json')).out).not.toContain('hunter2');
      const [{ job, owner }] = objects<{ job: { definition: object; nextSlot: string }; owner: object }>(
        (await at('job', 'monthly', '--json', '--payload')).out,
      );
      expect(job.definition).toMatchObject({ payload: { secret: 'hunter2' }, tag: { name: 'engine' } });
      expect(owner).toMatchObject({ serviceId: 'engine@host', epoch: 1, bound: { why: { kind: 'claim', rank: 0 } } });
    });
    it('is 1 for one that does not exist', async () => {
      expect(await at('job', 'nobody')).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringMatching(/No job nobody/),
      });
      const { code, err } = await at('job', 'nobody', '--json');
      expect({ code, ...(JSON.parse(err) as object) }).toMatchObject({ code: 1, error: { code: 'not-found' } });
    });
  });

  describe('why', () => {
    const answer = async (...args: string[]) => {
      const { code, out } = await at('why', '--json', ...args);
      expect(code).toBe(0);
      return objects<{ answer: { code: string; words: string }; slot: unknown; placement: object }>(out)[0];
    };
    it('tells why it is there, and what placement saw', async () => {
      const { code, out } = await at('why', 'monthly');
      expect(code).toBe(0);
      expect(out).toMatch(/^monthly: bound\nnow: no slot is due: the next is \S+Z, \d+ d later\n/);
      expect(out).toMatch(/^where: bound, epoch 1; owned by engine@host .* because it claimed the job: rank 0 of 1/m);
      expect(out).toMatch(/^its owner engine@host: live, last beat \d\.\d s ago$/m);
      expect(out).toMatch(/^placement saw, at position \d+:\n {2}engine@host: eligible\n$/m);
    });
    it('names what stands in the way', async () => {
      expect((await answer('elsewhere')).answer).toEqual({
        code: 'unbound',
        words: expect.stringMatching(/nobody may take it: of 1 service 1 do not match the tag$/) as string,
      });
      expect((await answer('elsewhere')).placement).toMatchObject({
        services: [{ serviceId: 'engine@host', unfit: 'lacks the label name=nobody', rank: null }],
      });
      expect((await answer('failing')).answer).toEqual({
        code: 'retry-later',
        words: expect.stringMatching(
          /^attempt 1 of slot .* ended without success \(.*no such report.*; the next not before/,
        ) as string,
      });
      expect((await answer('done')).answer).toMatchObject({ code: 'ended', words: expect.stringMatching(/completed/) });
      expect((await answer('stopped')).answer.code).toBe('paused');
    });
    it('shows control characters instead of obeying them', async () => {
      const { out } = await at('why', 'stopped');
      expect(out).toContain('paused: the \\u001b[31mprinter\\u000a is out of paper');
      expect(out).not.toContain('\u001b');
    });
    it('tells of a point, and what became of the slot', async () => {
      expect((await answer('done', '--at', 'revision:0')).answer.code).toBe('unbound');
      const now = await answer('done', '--at', new Date().toISOString());
      expect(now).toMatchObject({ answer: { code: 'ended' }, slot: { fate: 'ran', reason: null } });
      expect(await answer('done', '--at', '2001-01-01T00:00:00Z')).toMatchObject({
        answer: { code: 'absent' },
        slot: null,
      });
      expect(await at('why', 'done', '--at', 'noon')).toMatchObject({
        code: 2,
        err: expect.stringMatching(/--at: 'noon'/),
      });
    });
  });

  it('who-owned tells of now and then', async () => {
    const { code, out } = await at('who-owned', 'monthly');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^monthly: engine@host, incarnation \S+, epoch 1, since \S+Z\nbound, epoch 1; .* \(as of revision 1, /,
    );
    const before = objects((await at('who-owned', 'monthly', '--at', 'revision:0', '--json')).out)[0];
    expect(before).toMatchObject({ existed: true, status: 'unbound', owner: null, unowned: { reason: 'scheduled' } });
    const never = await at('who-owned', 'monthly', '--at', '2001-01-01T00:00:00Z');
    expect(never).toMatchObject({ code: 0, out: 'monthly: nobody\nthe job did not exist\n' });
    expect((await at('who-owned', 'nobody', '--at', 'position:1')).code).toBe(1);
  });

  describe('export', () => {
    it('writes the whole log, one event a line, payloads and all', async () => {
      const { code, out } = await at('export');
      expect(code).toBe(0);
      const events = objects(out);
      const positions = events.map(({ position }) => BigInt(position as string));
      expect(positions).toEqual([...positions].sort((a, b) => (a < b ? -1 : 1)));
      const scheduled = events.find(({ stream, type }) => stream === 'job-monthly' && type === 'JobScheduled');
      expect(scheduled).toEqual({
        position: expect.stringMatching(/^\d+$/) as string,
        stream: 'job-monthly',
        category: 'job',
        revision: 0,
        id: expect.any(String) as string,
        type: 'JobScheduled',
        created: expect.stringMatching(/^\d{4}.*Z$/) as string,
        data: expect.objectContaining({ jobId: 'monthly' }) as object,
        metadata: expect.any(Object) as object,
      });
      expect(scheduled).toMatchObject({ data: { definition: { payload: { secret: 'hunter2' } } } });
      expect(new Set(events.map(({ category }) => category))).toEqual(new Set(['job', 'service', 'heartbeat']));
      expect((await at('export', '--without-payloads')).out).not.toContain('hunter2');
    });
    it('writes parts of it', async () => {
      const of = async (...args: string[]) => objects((await at('export', ...args)).out);
      const job = await of('--job', 'done');
      expect(job.map(({ type }) => type)).toEqual([
        'JobScheduled',
        'JobBoundToService',
        'JobRunStarted',
        'JobRunSucceeded',
        'JobCompleted',
      ]);
      expect(await of('--job', 'done', '--from', 'revision:1', '--to', 'revision:2')).toEqual(job.slice(1, 3));
      const [first, last] = [job[0], job[4]];
      const range = await of(
        '--category',
        'job',
        '--from',
        `position:${first.position}`,
        '--to',
        `position:${last.position}`,
      );
      expect(range[0]).toEqual(first);
      expect(range.at(-1)).toEqual(last);
      const timed = await of('--from', String(first.created), '--to', String(last.created), '--category', 'job');
      expect(timed).toEqual(expect.arrayContaining(job));
      expect(timed.every(({ created }) => String(created) >= String(first.created))).toBe(true);
      expect((await of('--category', 'service')).map(({ type }) => type)).toEqual(['ServiceRegistered']);
      expect(await of('--from', '2199-01-01T00:00:00Z')).toEqual([]);
      expect(await of('--namespace', 'other')).toEqual([]);
    });
    it('is refused where it means nothing', async () => {
      expect((await at('export', '--from', 'revision:1')).code).toBe(2);
      expect((await at('export', '--job', 'done', '--category', 'job')).code).toBe(2);
      expect((await at('export', '--job', 'nobody')).code).toBe(1);
    });
  });
});
