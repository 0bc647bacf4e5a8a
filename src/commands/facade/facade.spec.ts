import { CommandRefusedError, Jobs, jobType, optionsOf, Services, type AnyCommand, type CommandDispatcher } from '..';

interface AuditPayload {
  readonly goal: string;
  readonly limit?: number;
}
const Audit = jobType<AuditPayload>('audit');
const Sweep = jobType('sweep');

class Sent implements CommandDispatcher {
  readonly commands: AnyCommand[] = [];

  async execute(command: AnyCommand): Promise<never> {
    this.commands.push(command);
    return {
      id: 'j',
      revision: 3,
      position: 9n,
      added: 1,
      firstRevision: 3,
      events: ['secret'],
      state: 'secret',
    } as never;
  }
}

/** What a command carries: fields that are given. */
function carried(sent: Sent): [string, unknown] {
  const [command] = sent.commands;
  return [command.constructor.name, JSON.parse(JSON.stringify(command))];
}

describe('jobs', () => {
  it('answers id, revision, position and what was added, and no more', async () => {
    const answer = await new Jobs(new Sent()).schedule(Audit, { goal: 'balance' });
    expect(answer).toEqual({ id: 'j', revision: 3, position: 9n, added: 1 });
  });

  const call = { commandId: 'c', actor: 'ann', correlationId: 'x', timeoutMs: 50 };
  it.each<[string, (jobs: Jobs) => Promise<unknown>, object]>([
    [
      'ScheduleJobCommand',
      (jobs) =>
        jobs.schedule(Audit, { goal: 'g' }, { id: 'j', tag: { a: 'b' }, onConflict: 'update', renew: true, ...call }),
      { jobId: 'j', handler: 'audit', payload: { goal: 'g' }, tag: { a: 'b' }, onConflict: 'update', renew: true },
    ],
    [
      'RescheduleJobCommand',
      (jobs) => jobs.reschedule('j', { affinity: 'preferred' }, call),
      { affinity: 'preferred' },
    ],
    ['RunJobNowCommand', (jobs) => jobs.runNow('j', { reason: 'r', ...call }), { reason: 'r' }],
    [
      'BackfillJobCommand',
      (jobs) => jobs.backfill('j', { from: 0, to: 1, limit: 2, reason: 'r', ...call }),
      { from: 0, to: 1, limit: 2, reason: 'r' },
    ],
    ['BindJobToServiceCommand', (jobs) => jobs.bind('j', 's', call), { serviceId: 's' }],
    ['PauseJobCommand', (jobs) => jobs.pause('j', { reason: 'r', ...call }), { reason: 'r' }],
    ['ResumeJobCommand', (jobs) => jobs.resume('j', call), {}],
    ['CancelJobCommand', (jobs) => jobs.cancel('j', { mode: 'afterRun', ...call }), { mode: 'afterRun' }],
    ['RemoveJobCommand', (jobs) => jobs.remove('j', call), {}],
    ['ResolveHoldCommand', (jobs) => jobs.resolveHold('j', 'retry', call), { resolution: 'retry' }],
    ['ReleaseFromQuarantineCommand', (jobs) => jobs.releaseFromQuarantine('j', call), {}],
  ])('sends %s', async (name, send, fields) => {
    const sent = new Sent();
    await send(new Jobs(sent));
    expect(carried(sent)).toEqual([name, { jobId: 'j', commandId: 'c', ...fields }]);
    expect(optionsOf(sent.commands[0])).toEqual({ actor: 'ann', correlationId: 'x', timeoutMs: 50 });
  });
});

describe('services', () => {
  it('sends marks and drains', async () => {
    const sent = new Sent();
    const services = new Services(sent);
    await services.markFailed('s', { reason: 'dead', confirmedDead: true, commandId: 'c', actor: 'ann' });
    await services.drain('s', { reason: 'update' });
    expect(sent.commands.map((command) => [command.constructor.name, JSON.parse(JSON.stringify(command))])).toEqual([
      ['MarkServiceFailedCommand', { serviceId: 's', reason: 'dead', confirmedDead: true, commandId: 'c' }],
      ['DrainServiceCommand', { serviceId: 's', reason: 'update' }],
    ]);
    expect(optionsOf(sent.commands[0])).toEqual({ actor: 'ann' });
  });
});

describe('a job type', () => {
  it('is a frozen name', () => {
    expect(Audit).toEqual({ name: 'audit' });
    expect(Object.isFrozen(Audit)).toBe(true);
    expect(() => jobType('two words')).toThrow(/1 to 128/);
  });

  /** Never called: the compiler judges it. Each line below must be an error. */
  function wrong(jobs: Jobs): void {
    // @ts-expect-error a field is missing
    void jobs.schedule(Audit, {});
    // @ts-expect-error a field has another type
    void jobs.schedule(Audit, { goal: 1 });
    // @ts-expect-error there is no such field
    void jobs.schedule(Audit, { goal: 'g', gaol: 'g' });
    // @ts-expect-error another payload altogether
    void jobs.schedule(Audit, 'balance');
    // @ts-expect-error a job without a payload takes null only
    void jobs.schedule(Sweep, { goal: 'g' });
    // @ts-expect-error there is no such kind of schedule
    void jobs.schedule(Audit, { goal: 'g' }, { schedule: { kind: 'hourly' } });
    void jobs.schedule(Audit, { goal: 'g', limit: 2 }, { schedule: { kind: 'interval', every: 'PT1H' } });
    void jobs.schedule(Sweep, null);
  }

  it('makes a payload of the wrong shape a compile error', () => {
    expect(wrong).toBeInstanceOf(Function);
  });
});

describe('a changed payload', () => {
  it('has the shape that its job type says, or does not compile', async () => {
    const sent = new Sent();
    const jobs = new Jobs(sent);
    await jobs.reschedule('j', { payload: { goal: 'disk' } }, { type: Audit });
    // @ts-expect-error another shape
    await jobs.reschedule('j', { payload: { aim: 'disk' } }, { type: Audit });
    // @ts-expect-error by id alone the payload stays
    await jobs.reschedule('j', { payload: { goal: 'disk' } });
    expect(carried(sent)).toEqual(['RescheduleJobCommand', expect.objectContaining({ jobId: 'j' })]);
  });
});

describe('an option that is misspelt', () => {
  const every = { kind: 'interval', every: 1_000 } as const;

  async function refusalsOf(send: (jobs: Jobs) => Promise<unknown>): Promise<readonly unknown[]> {
    const sent = new Sent();
    const error: unknown = await send(new Jobs(sent)).catch((thrown: unknown) => thrown);
    expect(sent.commands).toEqual([]);
    expect(error).toBeInstanceOf(CommandRefusedError);
    return (error as CommandRefusedError).refusals;
  }

  it.each<[string, object, string | null]>([
    ['schedul', every, 'schedule'],
    ['shcedule', every, 'schedule'],
    ['Schedule', every, 'schedule'],
    ['jobId', 'j', null],
    ['tags', {}, 'tag'],
    ['onconflict', 'update', 'onConflict'],
    ['timeout', 5, 'timeoutMs'],
    ['retry', {}, null],
    ['x'.repeat(60), 1, null],
    ['__proto__', {}, null],
  ] as [string, object, string | null][])('(%s) is refused by schedule', async (name, value, meant) => {
    const options = Object.defineProperty({}, name, { value, enumerable: true });
    const [refusal] = await refusalsOf((jobs) => jobs.schedule(Audit, { goal: 'g' }, options));
    const remedy = meant === null ? /^Leave it out\. The options are id, schedule, / : `Write ${meant}, or`;
    const text = typeof value === 'object' ? 'an object' : String(value);
    expect(refusal).toMatchObject({ code: 'unknown-field', field: name, value: text, rule: expect.any(String) });
    expect((refusal as { remedy: string }).remedy).toMatch(remedy);
  });

  it('is refused by reschedule, among the changes and among the options', async () => {
    expect(await refusalsOf((jobs) => jobs.reschedule('j', { polices: {}, tag: {} } as never))).toMatchObject([
      { code: 'unknown-field', field: 'polices', remedy: expect.stringMatching(/^Write policies,/) },
    ]);
    expect(await refusalsOf((jobs) => jobs.reschedule('j', {}, { acter: 'ann' } as never))).toMatchObject([
      { code: 'unknown-field', field: 'acter', value: 'ann', remedy: expect.stringMatching(/^Write actor,/) },
    ]);
  });

  it('does not hide the others', async () => {
    const options = { schedul: every, tags: {} } as never;
    const refusals = await refusalsOf((jobs) => jobs.schedule(Audit, { goal: 'g' }, options));
    expect(refusals).toMatchObject([{ field: 'schedul' }, { field: 'tags' }]);
  });

  it.each([null, 'daily', [every]])('is not looked for in %j, which is no object', async (options) => {
    expect(await refusalsOf((jobs) => jobs.schedule(Audit, { goal: 'g' }, options as never))).toMatchObject([
      { code: 'wrong-type', field: 'options' },
    ]);
  });
});
