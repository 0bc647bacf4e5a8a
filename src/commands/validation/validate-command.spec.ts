import { validate } from 'class-validator';
import {
  BackfillJobCommand,
  BindJobToServiceCommand,
  CancelJobCommand,
  Checked,
  CompleteJobRunCommand,
  FailJobRunCommand,
  MarkServiceFailedCommand,
  PauseJobCommand,
  RegisterServiceCommand,
  RescheduleJobCommand,
  ScheduleJobCommand,
  StopServiceCommand,
  id,
  optional,
  validateCommand,
  type PauseJobFields,
} from '..';

const job = { jobId: 'j', handler: 'audit' };
const schedule = (more: object): ScheduleJobCommand => new ScheduleJobCommand({ ...job, ...more });
const found = (command: object): readonly string[] => validateCommand(command).map((r) => `${r.code} ${r.field}`);
const cyclic: Record<string, unknown> = {};
cyclic.self = { again: cyclic };
class Dto {
  goal = 'balance';
}
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

describe('what is accepted', () => {
  it.each<[string, object]>([
    ['nothing but a handler', { jobId: undefined }],
    ['an id that is a UUID', { jobId: '01890a5d-ac96-774b-bcce-b302099a8057' }],
    ['an id with every character that is allowed', { jobId: 'Audit-1.b_c:d@host' }],
    ['the longest id', { jobId: 'a'.repeat(128) }],
    ['a payload of every kind of JSON', { payload: { a: [1, -1.5e9, 'x', true, null, {}, []], 'b.c': { '': 0 } } }],
    ['an object without a prototype', { payload: Object.assign(Object.create(null), { a: 1 }) }],
    ['the same object twice, which is no cycle', { payload: ((o) => [o, o])({ a: 1 }) }],
    ['a payload of exactly 64 KiB', { payload: 'x'.repeat(65_534) }],
    ['a null payload', { payload: null }],
    ['a tag of 32 pairs', { tag: Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`k${i}`, 'v'])) }],
    ['the longest tag key and value', { tag: { ['k'.repeat(64)]: 'v'.repeat(256) } }],
    ['a misfire policy by its name', { policies: { misfire: 'all' } }],
    ['a misfire policy with limits', { policies: { misfire: { policy: 'all', cap: 24, maxAgeMs: 86_400_000 } } }],
    [
      'limits of what a resume brings',
      { policies: { misfire: { policy: 'skip', thresholdMs: 0, onResume: 'all', cap: 3, maxAgeMs: null } } },
    ],
    ...(['skip', 'queue', 'replace', { allow: 2 }, { allow: 100 }] as const).map((overlap): [string, object] => [
      `overlap ${JSON.stringify(overlap)}`,
      { policies: { overlap } },
    ]),
    ['some policies', { policies: { retry: { maxRetries: 3 }, priority: -1_000, timeoutMs: null } }],
    ['an interval', { schedule: { kind: 'interval', every: 'PT5M', maxRuns: 3 } }],
    ['a cron', { schedule: { kind: 'cron', pattern: '*/5 * * * *', zone: 'Europe/Berlin' } }],
  ])('%s', (_what, more) => {
    expect(validateCommand(schedule(more))).toEqual([]);
  });
});

describe('what is refused', () => {
  it.each<[string, object, string]>([
    ['an id with a space', { jobId: 'a b' }, 'bad-id jobId'],
    ['an empty id', { jobId: '' }, 'bad-id jobId'],
    ['an id that begins with a dash', { jobId: '-a' }, 'bad-id jobId'],
    ['an id that is too long', { jobId: 'a'.repeat(129) }, 'bad-id jobId'],
    ['an id that is no string', { jobId: 7 }, 'bad-id jobId'],
    ['an id with a line end', { jobId: 'a\n' }, 'bad-id jobId'],
    ['a null id', { jobId: null }, 'bad-id jobId'],
    ['a command id with a slash', { commandId: 'a/b' }, 'bad-id commandId'],
    ['no handler', { handler: undefined }, 'missing handler'],
    ['a handler name with an umlaut', { handler: 'prüfen' }, 'bad-id handler'],
    ['an unknown field', { shedule: {} }, 'unknown-field shedule'],
    [
      'a field that reaches the prototype',
      JSON.parse('{"__proto__":{"renew":true}}') as object,
      'unknown-field __proto__',
    ],
    ['a tag that is an array', { tag: ['a'] }, 'bad-tag tag'],
    ['a tag that is a string', { tag: 'a' }, 'bad-tag tag'],
    ['a null tag', { tag: null }, 'bad-tag tag'],
    ['a tag that is an instance', { tag: new Dto() }, 'bad-tag tag'],
    ['a nested tag', { tag: { a: { b: 'c' } } }, 'bad-tag tag.a'],
    ['a number in a tag', { tag: { a: 1 } }, 'bad-tag tag.a'],
    ['an empty tag key', { tag: { '': 'v' } }, 'bad-tag tag.'],
    ['a tag key that is too long', { tag: { ['k'.repeat(65)]: 'v' } }, `bad-tag tag.${'k'.repeat(64)}`],
    ['a tag value that is too long', { tag: { a: 'v'.repeat(257) } }, 'bad-tag tag.a'],
    ['33 pairs', { tag: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, 'v'])) }, 'bad-tag tag'],
    ['__proto__ in a tag', { tag: JSON.parse('{"__proto__":"x"}') as object }, 'bad-tag tag.__proto__'],
    ['constructor in a tag', { tag: { constructor: 'x' } }, 'bad-tag tag.constructor'],
    ['a bigint', { payload: { n: 1n } }, 'payload-not-json payload.n'],
    ['NaN', { payload: { a: [0, NaN] } }, 'payload-not-json payload.a[1]'],
    ['infinity', { payload: -Infinity }, 'payload-not-json payload'],
    ['a negative zero', { payload: { n: -0 } }, 'payload-not-json payload.n'],
    ['a cycle', { payload: cyclic }, 'payload-not-json payload.self.again'],
    ['undefined inside', { payload: { a: { b: undefined } } }, 'payload-not-json payload.a.b'],
    ['a function', { payload: { f: () => 1 } }, 'payload-not-json payload.f'],
    ['a symbol', { payload: [Symbol('s')] }, 'payload-not-json payload[0]'],
    ['a symbol key', { payload: { [Symbol('s')]: 1 } }, 'payload-not-json payload'],
    ['a Date', { payload: { at: new Date(0) } }, 'payload-not-json payload.at'],
    ['a Map', { payload: new Map() }, 'payload-not-json payload'],
    ['a typed array', { payload: { b: new Uint8Array(2) } }, 'payload-not-json payload.b'],
    ['an instance of a class', { payload: new Dto() }, 'payload-not-json payload'],
    ['an object with toJSON', { payload: { toJSON: () => 1 } }, 'payload-not-json payload'],
    [
      'a getter',
      {
        payload: {
          get a() {
            return 1;
          },
        },
      },
      'payload-not-json payload.a',
    ],
    ['a hole', { payload: [1, , 3] }, 'payload-not-json payload'],
    ['an array with a name', { payload: Object.assign([1], { more: 1 }) }, 'payload-not-json payload'],
    ['__proto__ as a key', { payload: JSON.parse('{"a":{"__proto__":1}}') as object }, 'payload-not-json payload.a'],
    ['more than 100 levels', { payload: deep(101) }, `payload-not-json payload${'[0]'.repeat(100)}`],
    ['levels without end', { payload: deep(5_000) }, `payload-not-json payload${'[0]'.repeat(100)}`],
    ['one byte more than 64 KiB', { payload: 'x'.repeat(65_535) }, 'payload-too-large payload'],
    ['64 KiB of two-byte characters', { payload: 'ü'.repeat(40_000) }, 'payload-too-large payload'],
    ['a million entries', { payload: Array.from({ length: 1_000_000 }, () => 0) }, 'payload-too-large payload'],
    ['a schedule of no kind', { schedule: {} }, 'bad-schedule schedule.kind'],
    ['a null schedule', { schedule: null }, 'bad-schedule schedule'],
    [
      'a zone that does not exist',
      { schedule: { kind: 'cron', pattern: '@daily', zone: 'Mars/Base' } },
      'bad-zone schedule.zone',
    ],
    ['an interval that is not positive', { schedule: { kind: 'interval', every: 0 } }, 'bad-interval schedule.every'],
    ['a cron that never fires', { schedule: { kind: 'cron', pattern: '0 0 31 2 *' } }, 'never-fires schedule.pattern'],
    ['an affinity that there is not', { affinity: 'strict' }, 'not-allowed affinity'],
    ['a misfire policy that there is not', { policies: { misfire: 'twice' } }, 'not-allowed policies.misfire'],
    ['a misfire policy that is a number', { policies: { misfire: 1 } }, 'wrong-type policies.misfire'],
    ['a misfire rule without a policy', { policies: { misfire: { cap: 1 } } }, 'missing policies.misfire.policy'],
    [
      'a field of misfire that there is not',
      { policies: { misfire: { policy: 'all', max: 1 } } },
      'unknown-field policies.misfire.max',
    ],
    ['a cap of nothing', { policies: { misfire: { policy: 'all', cap: 0 } } }, 'out-of-range policies.misfire.cap'],
    [
      'a cap where nothing is capped',
      { policies: { misfire: { policy: 'once', cap: 2 } } },
      'not-allowed policies.misfire.cap',
    ],
    [
      'a maximal age where each slot is coalesced',
      { policies: { misfire: { policy: 'once', maxAgeMs: 2 } } },
      'not-allowed policies.misfire.maxAgeMs',
    ],
    [
      'a slot to coalesce into where none is',
      { policies: { misfire: { policy: 'skip', run: 'earliest' } } },
      'not-allowed policies.misfire.run',
    ],
    [
      'a threshold where each slot is run',
      { policies: { misfire: { policy: 'all', thresholdMs: 1 } } },
      'not-allowed policies.misfire.thresholdMs',
    ],
    [
      'a way to resume that there is not',
      { policies: { misfire: { policy: 'skip', onResume: 'later' } } },
      'not-allowed policies.misfire.onResume',
    ],
    ['an overlap that there is not', { policies: { overlap: 'both' } }, 'not-allowed policies.overlap'],
    ['an overlap of nothing', { policies: { overlap: null } }, 'not-allowed policies.overlap'],
    ['an overlap of one', { policies: { overlap: { allow: 1 } } }, 'out-of-range policies.overlap.allow'],
    ['an overlap of too many', { policies: { overlap: { allow: 101 } } }, 'out-of-range policies.overlap.allow'],
    ['an overlap of a part', { policies: { overlap: { allow: 2.5 } } }, 'wrong-type policies.overlap.allow'],
    ['an overlap that does not say of how many', { policies: { overlap: {} } }, 'missing policies.overlap.allow'],
    [
      'an overlap with more in it',
      { policies: { overlap: { allow: 2, queue: 1 } } },
      'unknown-field policies.overlap.queue',
    ],
    ['a policy that there is not', { policies: { retries: 1 } }, 'unknown-field policies.retries'],
    ['retries without end', { policies: { retry: { maxRetries: Infinity } } }, 'wrong-type policies.retry.maxRetries'],
    ['too many retries', { policies: { retry: { maxRetries: 1_001 } } }, 'out-of-range policies.retry.maxRetries'],
    ['a back-off that shrinks', { policies: { retry: { factor: 0.5 } } }, 'out-of-range policies.retry.factor'],
    ['a longest delay below the first', { policies: { retry: { maxMs: 10 } } }, 'out-of-range policies.retry.maxMs'],
    ['a priority out of range', { policies: { priority: 1_001 } }, 'out-of-range policies.priority'],
    ['a time-out of nothing', { policies: { timeoutMs: 0 } }, 'out-of-range policies.timeoutMs'],
    ['policies that are none', { policies: 'fast' }, 'wrong-type policies'],
    ['a renew that is no boolean', { renew: 'yes' }, 'wrong-type renew'],
    ['an onConflict that there is not', { onConflict: 'merge' }, 'not-allowed onConflict'],
  ])('%s', (_what, more, expected) => {
    expect(found(schedule(more))).toEqual([expected]);
  });

  it.each<[string, object, readonly string[]]>([
    ['a reason that is too long', new PauseJobCommand({ jobId: 'j', reason: 'r'.repeat(501) }), ['too-long reason']],
    ['a reason that is no string', new PauseJobCommand({ jobId: 'j', reason: 1 as never }), ['wrong-type reason']],
    ['no job id', new PauseJobCommand({} as never), ['missing jobId']],
    ['a mode that there is not', new CancelJobCommand({ jobId: 'j', mode: 'soon' as never }), ['not-allowed mode']],
    [
      'everything at once',
      new RescheduleJobCommand({ jobId: '', tag: { a: 1 } as never, payload: 1n, more: 1 } as never),
      ['unknown-field more', 'bad-id jobId', 'bad-tag tag.a', 'payload-not-json payload'],
    ],
    [
      'fields of the other variant of a bind',
      new BindJobToServiceCommand({ jobId: 'j', serviceId: 's', start: true } as never),
      ['not-allowed start'],
    ],
    [
      'a claim without its service',
      new BindJobToServiceCommand({ jobId: 'j', by: 'claim', viewPosition: 'x', start: true } as never),
      ['missing service', 'missing why', 'wrong-type viewPosition'],
    ],
    [
      'a run without its incarnation',
      new CompleteJobRunCommand({
        jobId: 'j',
        run: { slot: 's', attempt: 0, epoch: 1 } as never,
        durationMs: 1.5,
        then: { release: null, startNext: false },
      }),
      ['out-of-range run.attempt', 'missing run.incarnation', 'wrong-type durationMs'],
    ],
    [
      'a failure of no kind',
      new FailJobRunCommand({
        jobId: 'j',
        run: { slot: 's', attempt: 1, epoch: 1, incarnation: 'i' },
        durationMs: 1,
        failure: { kind: 'sad' } as never,
        then: { release: null, startNext: false },
      }),
      ['not-allowed failure.kind', 'missing failure.error', 'missing failure.message'],
    ],
    [
      'a verdict without its evidence',
      new MarkServiceFailedCommand({ by: 'observer', serviceId: 's', reason: 'r' } as never),
      [
        'missing evidence',
        'missing incarnation',
        'missing observer',
        'missing observerIncarnation',
        'missing viewRevision',
        'not-allowed reason',
      ],
    ],
    [
      'a registration without labels',
      new RegisterServiceCommand({
        serviceId: 's',
        incarnation: 'i',
        capacity: { maxOwnedJobs: -1, maxConcurrentRuns: 1 },
        handlers: { 'a b': '1' },
        process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
        placementVersion: 1,
        reason: 'start',
        supersede: null,
      } as never),
      ['bad-id handlers.a b', 'missing labels', 'out-of-range capacity.maxOwnedJobs'],
    ],
    [
      'leftovers that are none',
      new StopServiceCommand({ serviceId: 's', incarnation: 'i', leftovers: [{ jobId: 'j' }] as never }),
      ['missing leftovers[0].slot', 'missing leftovers[0].attempt'],
    ],
  ])('%s', (_what, command, expected) => {
    expect([...found(command)].sort()).toEqual([...expected].sort());
  });

  it('names rule and remedy, and shows a short value, never a payload', () => {
    const [id] = validateCommand(schedule({ jobId: ' '.repeat(500) }));
    expect(id.value.length).toBeLessThan(120);
    expect(id.rule).toContain('128');
    expect(id.remedy).not.toBe('');
    const secret = 'hunter2';
    const refusals = validateCommand(
      schedule({ payload: { password: secret, at: new Date(0) }, tag: { a: { secret } } }),
    );
    expect(refusals).toHaveLength(2);
    expect(JSON.stringify(refusals)).not.toContain(secret);
  });

  it('is refused by a validation pipe too, in the same words', async () => {
    const [error] = await validate(schedule({ tag: { a: 1 } }), { forbidUnknownValues: true });
    expect(error.property).toBe('tag');
    expect(Object.values(error.constraints ?? {})).toEqual([
      'tag.a: A value must be a string; nothing is nested. Pass a string.',
    ]);
  });

  it('never changes the prototype of a command', () => {
    const command = schedule(JSON.parse('{"__proto__":{"polluted":true}}') as object);
    expect(command).toBeInstanceOf(ScheduleJobCommand);
    expect((command as unknown as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe('a command of an application that extends one of ours', () => {
  class PauseForTheNight extends PauseJobCommand {}
  class PauseWithTicket extends PauseJobCommand {
    @Checked(optional(id)) readonly ticket?: string;
    constructor(fields: PauseJobFields & { readonly ticket?: string }) {
      super(fields);
    }
  }

  it('has the checks of the class that it extends', () => {
    expect(found(new PauseForTheNight({ jobId: 'j' }))).toEqual([]);
    expect(found(new PauseForTheNight({ jobId: 'a b' }))).toEqual(['bad-id jobId']);
    expect(found(new PauseForTheNight({ jobId: 'j', until: 6 } as PauseJobFields))).toEqual(['unknown-field until']);
  });

  it('may have more, which the class that it extends does not get', () => {
    expect(found(new PauseWithTicket({ jobId: 'j', ticket: 'a b' }))).toEqual(['bad-id ticket']);
    expect(found(new PauseWithTicket({ jobId: 'a b', ticket: 'OPS-1' }))).toEqual(['bad-id jobId']);
    expect(found(new PauseJobCommand({ jobId: 'j', ticket: 'OPS-1' } as PauseJobFields))).toEqual([
      'unknown-field ticket',
    ]);
  });
});

describe('a backfill', () => {
  const refusedBackfill = (fields: object) =>
    validateCommand(
      new BackfillJobCommand({ jobId: 'j', from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z', ...fields }),
    ).map(({ code, field }) => `${code} ${field}`);

  it('takes a window in whichever way instants are written', () => {
    for (const from of [0, new Date(0), '2026-03-01T00:00:00+02:00']) expect(refusedBackfill({ from })).toEqual([]);
  });
  it.each([
    [{ from: undefined }, 'missing from'],
    [{ from: 'yesterday' }, 'bad-instant from'],
    [{ to: '2026-03-02' }, 'bad-instant to'],
    [{ limit: 0 }, 'out-of-range limit'],
    [{ limit: 1_001 }, 'out-of-range limit'],
    [{ slots: 3 }, 'unknown-field slots'],
  ])('refuses %j', (fields, refusal) => expect(refusedBackfill(fields)).toEqual([refusal]));
});
