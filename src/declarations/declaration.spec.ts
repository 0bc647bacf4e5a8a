import { Cron as NestCron, Interval as NestInterval, Timeout as NestTimeout } from '@nestjs/schedule';
import type { CronOptions as NestCronOptions } from '@nestjs/schedule';
import { DateTime } from 'luxon';
import { declarationOf, hasPassed, scheduleFrom, type Declaration } from './declaration';
import { DeclarationRefusedError, Declarations } from './declarations';
import { Cron, Interval, Timeout } from './decorators';
import { DECLARED, type CronOptions, type CronTime, type DeclaredMethod } from './metadata';
import { jobIdOfName } from './names';

const place = { className: 'Tasks', methodName: 'run' };

function method(decorator: MethodDecorator): DeclaredMethod {
  class Bearer {
    run(): void {}
  }
  decorator(Bearer.prototype, 'run', Object.getOwnPropertyDescriptor(Bearer.prototype, 'run') as PropertyDescriptor);
  return Reflect.getMetadata(DECLARED, Bearer.prototype.run) as DeclaredMethod;
}

function declare(decorator: MethodDecorator, zone = 'Europe/Berlin'): Declaration {
  const declared = declarationOf(method(decorator), place, zone);
  if (!declared.ok) throw new DeclarationRefusedError(declared.refusals.map((r) => ({ ...r, where: 'here' })));
  return declared.value;
}

function refusals(decorator: MethodDecorator, maxFiresPerSecond = Infinity) {
  const declared = declarationOf(method(decorator), place, 'UTC', { maxFiresPerSecond });
  return declared.ok ? [] : declared.refusals;
}

const nothing = undefined as never;

describe('what is declared', () => {
  const start = Date.UTC(2026, 0, 1);

  it.each<[string, MethodDecorator, object]>([
    [
      'a pattern in the zone of the process',
      Cron('0 3 * * *'),
      { kind: 'cron', pattern: '0 3 * * *', zone: 'Europe/Berlin' },
    ],
    ['a pattern in a zone', Cron('0 3 * * *', { timeZone: 'Asia/Tokyo' }), { zone: 'Asia/Tokyo' }],
    ['a delay', Cron('0 3 * * *', { initialDelay: 500 }), { kind: 'cron', start: start + 500 }],
    ['a date', Cron(new Date(start + 5)), { kind: 'once', at: start + 5 }],
    ['a DateTime of Luxon', Cron(DateTime.fromMillis(start + 7)), { kind: 'once', at: start + 7 }],
    ['an interval', Interval(1_000), { kind: 'interval', every: 1_000 }],
    ['an interval with a name', Interval('beat', 1_000), { kind: 'interval', every: 1_000 }],
    ['a time-out', Timeout(250), { kind: 'once', at: start + 250 }],
    ['a time-out with a name', Timeout('warm-up', 0), { kind: 'once', at: start }],
    ['jitter', Cron('0 3 * * *', { jitter: 'PT10M' }), { kind: 'cron', jitter: 'PT10M' }],
    ['jitter of an interval', Interval('beat', 1_000, { jitter: 100 }), { every: 1_000, jitter: 100 }],
    ['a fraction of a millisecond', Interval(10.9), { every: 10 }],
  ])('%s', (_, decorator, schedule) => {
    expect(scheduleFrom(declare(decorator), start)).toMatchObject(schedule);
  });

  it('is named by the option, else by its place', () => {
    expect(declare(Cron('* * * * *')).jobId).toBe('Tasks.run');
    expect(declare(Cron('* * * * *', { name: '' })).jobId).toBe('Tasks.run');
    expect(declare(Cron('* * * * *', { name: 'nightly' }))).toMatchObject({ jobId: 'nightly', where: 'Tasks.run' });
    expect(declare(Interval('beat', 5)).jobId).toBe('beat');
    expect(declare(Timeout('warm-up', 5)).jobId).toBe('warm-up');
  });

  it('has options of Holdfast', () => {
    const own = { tag: { rack: 'r1' }, affinity: 'preferred', policies: { timeoutMs: 5_000 } } as const;
    for (const decorator of [
      Cron('* * * * *', own),
      Interval(5, own),
      Interval('a', 5, own),
      Timeout(5, own),
      Timeout('a', 5, own),
    ]) {
      expect(declare(decorator)).toMatchObject(own);
    }
    expect(declare(Cron('* * * * *', { disabled: true })).disabled).toBe(true);
  });

  it('says its overlap as an option or as a policy: the same declaration', () => {
    const [option, policy] = [{ overlap: 'queue' }, { policies: { overlap: 'queue' } }] as const;
    for (const declared of [Cron('* * * * *', option), Interval(5, option), Timeout(5, option)]) {
      expect(declare(declared).policies).toEqual({ overlap: 'queue' });
    }
    expect(declare(Interval(5, option)).hash).toBe(declare(Interval(5, policy)).hash);
    const allow = declare(Interval(5, { overlap: { allow: 3 }, policies: { priority: 1 } }));
    expect(allow.policies).toEqual({ overlap: { allow: 3 }, priority: 1 });
    expect(allow.hash).not.toBe(declare(Interval(5, { policies: { priority: 1 } })).hash);
  });

  it('knows a date that has passed, also during the delay', () => {
    const at = (options?: CronOptions) => declare(Cron(new Date(start + 1_000), options)).written;
    expect(hasPassed(at(), start)).toBe(false);
    expect(hasPassed(at(), start + 1_000)).toBe(false);
    expect(hasPassed(at(), start + 1_001)).toBe(true);
    expect(hasPassed(at({ initialDelay: 1_001 }), start)).toBe(true);
    expect(hasPassed(declare(Cron('* * * * *')).written, start)).toBe(false);
  });
});

it('fires no more often than the service allows', () => {
  expect(refusals(Interval(100), 10)).toEqual([]);
  expect(refusals(Interval(99), 10)).toMatchObject([{ code: 'too-frequent', field: 'timeout' }]);
  expect(refusals(Cron('* * * * * *'), 0.5)).toMatchObject([{ field: 'cronTime', value: '* * * * * *' }]);
});

describe('the hash of a declaration', () => {
  const base = declare(Cron('0 3 * * *')).hash;

  it.each<[string, MethodDecorator]>([
    ['options that are undefined', Cron('0 3 * * *', { policies: { timeoutMs: undefined }, revision: undefined })],
    [
      'defaults that are written out',
      Cron('0 3 * * *', { tag: {}, affinity: 'required', disabled: false, initialDelay: 0 }),
    ],
    ['blanks', Cron('  0 3  * * * ')],
    ['options without effect', Cron('0 3 * * *', { waitForCompletion: true, unrefTimeout: true, threshold: 5 })],
    ['the zone of the process, written out', Cron('0 3 * * *', { timeZone: 'Europe/Berlin' })],
    ['another name', Cron('0 3 * * *', { name: 'nightly' })],
    ['misfire that is undefined', Cron('0 3 * * *', { misfire: undefined })],
  ])('is the same with %s', (_, decorator) => expect(declare(decorator).hash).toBe(base));

  it.each<[string, MethodDecorator]>([
    ['pattern', Cron('0 4 * * *')],
    ['zone', Cron('0 3 * * *', { timeZone: 'Asia/Tokyo' })],
    ['offset', Cron('0 3 * * *', { utcOffset: 60 })],
    ['delay', Cron('0 3 * * *', { initialDelay: 1 })],
    ['tag', Cron('0 3 * * *', { tag: { a: 'b' } })],
    ['affinity', Cron('0 3 * * *', { affinity: 'preferred' })],
    ['policies', Cron('0 3 * * *', { policies: { priority: 1 } })],
    ['misfire', Cron('0 3 * * *', { misfire: 'all' })],
    ['disabled', Cron('0 3 * * *', { disabled: true })],
    ['revision', Cron('0 3 * * *', { revision: '2' })],
    ['kind', Interval(1_000)],
  ])('is another one with another %s', (_, decorator) => expect(declare(decorator).hash).not.toBe(base));

  it.each([
    { misfire: { policy: 'all', cap: 3 } },
    { overlap: { allow: 2 } },
    { misfire: 'once', overlap: 'queue' },
  ] as const)('is the same wherever the policies are written: %j', (said) => {
    const declared = declare(Interval(500, { ...said, policies: { priority: 1 } }));
    expect(declared.policies).toEqual({ ...said, priority: 1 });
    expect(declare(Interval(500, { policies: { priority: 1, ...said } })).hash).toBe(declared.hash);
  });

  it('does not depend on when the process starts', () => {
    expect(declare(Timeout(500)).hash).toBe(declare(Timeout('x', 500)).hash);
    expect(declare(Timeout(500)).hash).not.toBe(declare(Timeout(501)).hash);
    expect(declare(Timeout(500)).hash).not.toBe(declare(Interval(500)).hash);
  });
});

describe('what is refused', () => {
  it.each<[string, MethodDecorator, string, RegExp]>([
    ['a misfire policy that there is not', Cron('* * * * *', { misfire: 'twice' as never }), 'misfire', /skip, once/],
    [
      'a limit that has no effect',
      Interval(1_000, { misfire: { policy: 'once', cap: 3 } }),
      'misfire.cap',
      /belongs to the policy all/,
    ],
    [
      'misfire in two places',
      Cron('* * * * *', { misfire: 'all', policies: { misfire: 'skip' } }),
      'misfire',
      /policies\.misfire is given, too/,
    ],
    ['policies that are null', Cron('* * * * *', { policies: null as never }), 'policies', /must be an object/],
    ['a pattern with a wrong field', Cron('0 25 * * *'), 'cronTime', /hour.*25/],
    ['a pattern of four fields', Cron('* * * *'), 'cronTime', /five or six fields/],
    ['a pattern that never fires', Cron('0 0 31 2 *'), 'cronTime', /No day/],
    ['a zone that does not exist', Cron('0 3 * * *', { timeZone: 'Mars/Base' }), 'timeZone', /no such time zone/],
    ['a zone and an offset', Cron('* * * * *', { timeZone: 'UTC', utcOffset: 60 } as never), 'utcOffset', /together/],
    ['an invalid date', Cron(new Date(NaN)), 'cronTime', /invalid date/],
    ['an invalid DateTime', Cron(DateTime.invalid('no')), 'cronTime', /invalid date/],
    ['no time at all', Cron(nothing), 'cronTime', /neither/],
    ['a negative delay', Cron('* * * * *', { initialDelay: -1 }), 'initialDelay', /0 or more/],
    ['a name that is no text', Cron('* * * * *', { name: 5 as never }), 'name', /text/],
    ['a revision that is no text', Cron('* * * * *', { revision: 2 as never }), 'revision', /text/],
    ['an option that does not exist', Cron('* * * * *', { runOnInit: true } as never), 'runOnInit', /no such option/],
    ['an interval of nothing', Interval(0), 'timeout', /1 or more/],
    ['an interval that is missing', Interval('beat', nothing), 'timeout', /milliseconds/],
    ['a time-out that is no number', Timeout('x', NaN), 'timeout', /0 or more/],
    ['a tag that is no dictionary', Interval(5, { tag: { a: 1 as never } }), 'tag.a', /string/],
    ['a jitter that is none', Interval(5, { jitter: 'soon' }), 'jitter', /ISO 8601/],
    ['an affinity that does not exist', Interval(5, { affinity: 'near' as never }), 'affinity', /Allowed/],
    [
      'an overlap that there is not',
      Cron('* * * * *', { overlap: 'both' as never }),
      'overlap',
      /skip, queue, replace/,
    ],
    ['an overlap of one', Interval(5, { overlap: { allow: 1 } }), 'overlap.allow', /One run at a time/],
    ['an overlap of too many', Interval(5, { overlap: { allow: 101 } }), 'overlap.allow', /from 2 to 100/],
    [
      'an overlap that is said twice',
      Interval(5, { overlap: 'queue', policies: { overlap: 'skip' } }),
      'overlap',
      /policies\.overlap is given, too/,
    ],
    [
      'policies that are a list, though one of them has its option',
      Interval(5, { overlap: 'queue', policies: [] as never }),
      'policies',
      /must be an object/,
    ],
    [
      'another policy, where one has its option',
      Interval(5, { overlap: 'queue', policies: { misfire: 'twice' as never } }),
      'policies.misfire',
      /skip, once/,
    ],
    ['policies out of range', Timeout(5, { policies: { priority: 5_000 } }), 'policies.priority', /1000/],
  ])('%s', (_, decorator, field, rule) => {
    expect(refusals(decorator)).toEqual([
      expect.objectContaining({ field, rule: expect.stringMatching(rule), remedy: expect.stringMatching(/./) }),
    ]);
  });

  it('says each policy that is given in two places', () => {
    const both = { misfire: 'all', overlap: 'queue' } as const;
    expect(refusals(Interval(5, { ...both, policies: both })).map(({ field }) => field)).toEqual([
      'overlap',
      'misfire',
    ]);
  });

  it('says all of it at once, with the places', () => {
    const declarations = new Declarations('UTC');
    declarations.add(method(Cron('x')), { className: 'Tasks', methodName: 'a' }, null);
    declarations.add(method(Interval(-5)), { className: 'Tasks', methodName: 'b' }, null);
    expect(() => declarations.check()).toThrow(
      /@Cron on Tasks\.a: cronTime = x: .*\n@Interval on Tasks\.b: timeout = -5: /,
    );
  });

  it('two jobs of one name, whatever declares them; a class that is provided twice declares once', () => {
    class A {}
    class B {}
    const declarations = new Declarations('UTC');
    const add = (decorator: MethodDecorator, methodName: string, of: unknown) =>
      declarations.add(method(decorator), { className: 'Tasks', methodName }, of);
    expect(add(Cron('* * * * *'), 'a', A)).toMatchObject({ jobId: 'Tasks.a' });
    expect(add(Cron('* * * * *'), 'a', A)).toBe('declared-already');
    expect(() => declarations.check()).not.toThrow();
    expect(add(Cron('* * * * *'), 'a', B)).toBe('refused');
    add(Cron('* * * * *', { name: 'x' }), 'b', A);
    add(Interval('x', 5), 'c', A);
    expect(() => declarations.check()).toThrow(
      /name = Tasks\.a: [^\n]*\n@Interval on Tasks\.c: name = x: Tasks\.b \(@Cron\)/,
    );
    expect(declarations.all().map(({ jobId }) => jobId)).toEqual(['Tasks.a', 'x']);
  });
});

describe('the id of a name', () => {
  it('is the name where it can be', () => {
    for (const name of ['a', 'nightly', 'Tasks.run', 'mail:out@host_1-2']) expect(jobIdOfName(name)).toBe(name);
  });

  it('is readable, stable and its own where it cannot', () => {
    expect(jobIdOfName('daily report')).toBe('daily-report:48e2ac04aaa9');
    const names = [
      'daily report',
      'daily-report',
      'daily  report',
      '-daily report',
      'täglich',
      'Задача',
      '',
      ' ',
      'x'.repeat(129),
      'x'.repeat(130),
    ];
    const ids = names.map(jobIdOfName);
    expect(new Set(ids).size).toBe(names.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/);
  });
});

describe('the types of @nestjs/schedule', () => {
  it('fit: whatever is written for its decorators compiles for ours', () => {
    const cron: (...args: Parameters<typeof NestCron>) => MethodDecorator = (time, options) => Cron(time, options);
    const interval: typeof NestInterval = Interval;
    const timeout: typeof NestTimeout = Timeout;
    const options: NestCronOptions = { name: 'x', utcOffset: 60 };
    const ours: CronOptions = options;
    const time: CronTime = DateTime.now();
    expect([cron, interval, timeout, ours, time]).toHaveLength(5);
    // @ts-expect-error as there, a zone and an offset exclude each other
    const both: CronOptions = { timeZone: 'UTC', utcOffset: 60 };
    expect(both).toBeDefined();
  });
});
