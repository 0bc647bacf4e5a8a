import { specification, specify, unreadableEvent, type Given, type Specification } from '../../testing/specification';
import { aDefinition, aRun, aService, ask, one, slot, t, two } from '../../testing/specification/a-job';
import { fact } from '../../testing/specification/facts';
import { writeGiven } from '../../testing/specification/given-log';
import * as life from '../../testing/specification/lives';
import { run1 } from '../../testing/specification/lives';
import { decide, type JobCommand, type JobRefusal } from '.';

/** The wrong neighbours of every transition: the same command in every other state, by every other owner, at every other epoch. */

interface Situation {
  readonly given: readonly Given[];
  /** Who owns the job, or did last. */
  readonly owner: { readonly serviceId: string; readonly incarnation: string };
  readonly epoch: number;
}

const first = { owner: one, epoch: 1 };
const situations = {
  absent: { given: [], ...first },
  unbound: { given: life.unbound(), ...first },
  bound: { given: life.bound(), ...first },
  running: { given: life.running(), ...first },
  waiting: { given: life.waiting(), ...first },
  paused: { given: life.paused(), ...first },
  held: { given: life.held(), owner: two, epoch: 2 },
  quarantined: { given: life.quarantined(), ...first },
  completed: { given: life.completed(), ...first },
  cancelled: { given: life.cancelled(), ...first },
  removed: { given: life.removed(), ...first },
  opaque: { given: [...life.running(), unreadableEvent()], ...first },
} satisfies { readonly [name: string]: Situation };
type Name = keyof typeof situations;

const now = t(1, 20);
const three = aService('three');
const other = aDefinition({ payload: 'another' });
const commands = {
  'schedule with another definition': () => ask.schedule(now, other),
  reschedule: () => ask.reschedule(now, other),
  'run now': () => ask.runNow(now),
  claim: () => ask.claim(now, three),
  'operator’s move': () => ask.move(now, three),
  release: ({ owner, epoch }: Situation) =>
    ask.release(now, 'drain', { serviceId: owner.serviceId, incarnation: owner.incarnation, epoch }),
  'requeue of its owner': ({ owner }: Situation) =>
    ask.requeue(now, three, { from: aService(owner.serviceId, owner), cause: 'failed' }),
  start: ({ owner, epoch }: Situation) =>
    ask.start(now, { serviceId: owner.serviceId, incarnation: owner.incarnation, epoch }),
  'complete a run': () => ask.complete(now, run1),
  'fail a run': () => ask.fail(now, run1),
  'abandon a run': () => ask.abandon(now, run1, 'lostInProcess'),
  pause: () => ask.pause(now),
  resume: () => ask.resume(now),
  cancel: () => ask.cancel(now),
  'cancel after the run': () => ask.cancel(now, 'afterRun'),
  remove: () => ask.remove(now),
  'resolve a hold': () => ask.resolve(now, 'retry'),
  'leave quarantine': () => ask.leaveQuarantine(now),
} satisfies { readonly [name: string]: (situation: Situation) => JobCommand };

type Code = JobRefusal['code'];
/** In the order of `situations`; `ok`: it is accepted, and specified elsewhere; `nothing`: accepted, without an event. */
type Row = readonly (Code | 'ok' | 'nothing')[];

const ended: Row = ['job-terminal', 'job-terminal', 'job-terminal', 'job-opaque'];
const notLive: Row = ['job-quarantined', ...ended];
const everywhere = (code: Code): Row => [code, code, code, code, code];

//                                  absent         unbound  bound … waiting, paused, held
const matrix: { readonly [command in keyof typeof commands]: Row } = {
  'schedule with another definition': ['ok', 'job-exists', ...everywhere('job-exists'), 'job-exists', ...ended],
  reschedule: ['job-unknown', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', ...ended],
  'run now': ['job-unknown', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', ...notLive],
  claim: ['job-unknown', 'ok', ...everywhere('job-bound'), ...notLive],
  'operator’s move': ['job-unknown', 'ok', 'ok', 'run-open', 'ok', 'ok', 'ok', ...notLive],
  release: ['job-unknown', 'job-unbound', 'ok', 'run-open', 'ok', 'ok', 'ok', ...notLive],
  'requeue of its owner': ['job-unknown', 'job-unbound', 'ok', 'ok', 'ok', 'ok', 'ok', ...notLive],
  start: ['job-unknown', 'job-unbound', 'ok', 'run-open', 'nothing-due', 'job-paused', 'job-held', ...notLive],
  'complete a run': ['job-unknown', 'run-unknown', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'nothing', 'ok', 'ok', 'ok'],
  'fail a run': ['job-unknown', 'run-unknown', 'ok', 'ok', 'nothing', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok'],
  'abandon a run': [
    'job-unknown',
    'run-unknown',
    'nothing',
    'ok',
    'nothing',
    'nothing',
    'ok',
    'ok',
    'nothing',
    'nothing',
    'nothing',
    'job-opaque',
  ],
  pause: ['job-unknown', 'ok', 'ok', 'ok', 'ok', 'job-paused', 'ok', ...notLive],
  resume: [
    'job-unknown',
    'job-not-paused',
    'job-not-paused',
    'job-not-paused',
    'job-not-paused',
    'ok',
    'job-not-paused',
    ...notLive,
  ],
  cancel: ['job-unknown', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', ...ended],
  'cancel after the run': ['job-unknown', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', ...ended],
  remove: ['job-unknown', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'nothing', 'job-opaque'],
  'resolve a hold': [
    'job-unknown',
    'job-not-held',
    'job-not-held',
    'job-not-held',
    'job-not-held',
    'job-not-held',
    'ok',
    ...notLive,
  ],
  'leave quarantine': ['job-unknown', 'job-not-quarantined', ...everywhere('job-not-quarantined'), 'ok', ...ended],
};

const names = Object.keys(situations) as Name[];
const cells = (Object.keys(commands) as (keyof typeof commands)[]).flatMap((command) =>
  names.map((name, n) => ({ command, name, expected: matrix[command][n] })),
);

function cell({ command, name, expected }: (typeof cells)[number]): readonly Specification[] {
  const situation = situations[name];
  const part = specification(`${command}, ${name}: ${expected}`)
    .given(...situation.given)
    .when(commands[command](situation));
  if (expected === 'ok') return [];
  return [expected === 'nothing' ? part.thenNothing() : part.thenRefused(expected)];
}

describe('in another state', () => {
  it('has a cell for every command and every state', () => {
    expect(Object.values(matrix).map((row) => row.length)).toEqual(Object.keys(commands).map(() => names.length));
  });

  specify(it, cells.flatMap(cell));

  it.each(cells.filter(({ expected }) => expected === 'ok'))('$command, $name: is accepted', ({ command, name }) => {
    const situation = situations[name];
    const asked = commands[command](situation);
    const { state } = writeGiven({ name, given: situation.given, when: asked, then: { kind: 'nothing' } }, 'test');
    const decision = decide(state, asked);
    expect(decision).toMatchObject({ ok: true });
    expect(decision.ok && decision.events.length).toBeGreaterThan(0);
  });

  it.each(cells.filter(({ expected }) => !['ok', 'nothing'].includes(expected)))(
    '$command, $name: the refusal gives its rule and its remedy',
    ({ command, name, expected }) => {
      const situation = situations[name];
      const asked = commands[command](situation);
      const { state } = writeGiven({ name, given: situation.given, when: asked, then: { kind: 'nothing' } }, 'test');
      expect(decide(state, asked)).toEqual({
        ok: false,
        refusal: {
          code: expected,
          field: expect.any(String),
          value: expect.any(String),
          rule: expect.stringMatching(/^[A-Z].{10,}\.$/),
          remedy: expect.stringMatching(/^[A-Z].{5,}\.$/),
        },
      });
    },
  );
});

describe('by another owner, at another epoch', () => {
  const again = aService('one', { incarnation: 'one-2' });
  const bySomeoneElse = { serviceId: 'two', incarnation: two.incarnation };
  const movedAndBack = [...life.bound(), ask.move(t(0, 5), two), ask.move(t(0, 6), one)];
  const wrong = [
    ['another service', bySomeoneElse, 'wrong-owner', 'incarnation'],
    ['a later incarnation of the service', { incarnation: again.incarnation }, 'wrong-owner', 'incarnation'],
    ['another service that calls itself the incarnation', { serviceId: 'two' }, 'wrong-owner', 'serviceId'],
    ['an epoch that has not begun', { epoch: 2 }, 'wrong-epoch', 'epoch'],
  ] as const;
  specify(it, [
    ...wrong.flatMap(([who, more, code, field]) => [
      specification(`start by ${who}`)
        .given(...life.bound())
        .when(ask.start(t(1), more))
        .thenRefused(code, { field }),
      specification(`release by ${who}`)
        .given(...life.bound())
        .when(ask.release(t(1), 'drain', more))
        .thenRefused(code, { field }),
    ]),
    specification('start under an epoch of one’s own that has ended')
      .given(...movedAndBack)
      .when(ask.start(t(1)))
      .thenRefused('wrong-epoch', { field: 'epoch' }),
    specification('release under an epoch of one’s own that has ended')
      .given(...movedAndBack)
      .when(ask.release(t(1), 'drain'))
      .thenRefused('wrong-epoch', { field: 'epoch' }),
    specification('requeue from an incarnation that no longer owns the job')
      .given(...life.bound(), ask.requeue(t(0, 5), two))
      .when(ask.requeue(t(0, 6), three))
      .thenRefused('wrong-owner'),
    specification('requeue from another incarnation of the owning service')
      .given(...life.bound())
      .when(ask.requeue(t(0, 6), three, { from: again, cause: 'failed' }))
      .thenRefused('wrong-owner'),
    specification('an outcome under an epoch that has not begun')
      .given(...life.running())
      .when(ask.complete(t(1, 10), { ...run1, epoch: 2 }))
      .thenRefused('run-unknown', { field: 'run' }),
    specification('an outcome of the open run by another incarnation')
      .given(...life.running())
      .when(ask.complete(t(1, 10), { ...run1, incarnation: two.incarnation }))
      .thenRefused('wrong-owner', { field: 'run.incarnation' }),
    specification('an outcome of an attempt that was never started')
      .given(...life.running())
      .when(ask.complete(t(1, 10), { ...run1, attempt: 2 }))
      .thenRefused('run-unknown', { field: 'run' }),
    specification('an abandonment of the open run by another incarnation')
      .given(...life.running())
      .when(ask.abandon(t(1, 10), { ...run1, incarnation: two.incarnation }, 'drain'))
      .thenRefused('wrong-owner', { field: 'run.incarnation' }),
    specification('an outcome of the present attempt under the former epoch')
      .given(...life.running(), ask.requeue(t(1, 10), two))
      .when(ask.complete(t(1, 20), aRun(slot(1), { attempt: 2, incarnation: two.incarnation })))
      .thenRefused('wrong-epoch', { field: 'run.epoch' }),
  ]);
});

describe('to a service that may not own it', () => {
  const pinned = aDefinition({ tag: { host: 'one' } });
  const preferred = aDefinition({ tag: { host: 'one' }, affinity: 'preferred' });
  const unfit = [
    ['has no handler for it', aService('two', { handlers: ['other'] }), undefined],
    ['has other labels than its tag', two, pinned],
    ['is draining', aService('two', { life: 'draining' }), undefined],
    ['has failed', aService('two', { life: 'failed' }), undefined],
    ['has stopped', aService('two', { life: 'stopped' }), undefined],
  ] as const;
  specify(it, [
    ...unfit.flatMap(([why, service, definition]) => [
      specification(`a claim by a service that ${why}`)
        .given(...life.unbound(definition))
        .when(ask.claim(t(1), service))
        .thenRefused('service-ineligible', { field: 'serviceId' }),
      specification(`an operator’s bind to a service that ${why}`)
        .given(...life.bound(definition))
        .when(ask.move(t(0, 5), service))
        .thenRefused('service-ineligible', { field: 'serviceId' }),
      specification(`a requeue to a service that ${why}`)
        .given(...life.running(definition))
        .when(ask.requeue(t(1, 5), service))
        .thenRefused('service-ineligible', { field: 'serviceId' }),
    ]),
    specification('a tag that is only preferred excludes nobody')
      .given(...life.unbound(preferred))
      .when(ask.claim(t(0, 5), two))
      .then(fact.claimed(t(0, 5), 1, two)),
    specification('a move to its present owner adds nothing')
      .given(...life.running())
      .when(ask.move(t(1, 5), one))
      .thenNothing(),
    ...(['home', 'rebalance'] as const).flatMap((reason) => [
      specification(`a hand-over (${reason}) to nobody`)
        .given(...life.bound())
        .when(ask.release(t(0, 5), reason))
        .thenRefused('target', { field: 'target' }),
      specification(`a hand-over (${reason}) to oneself`)
        .given(...life.bound())
        .when(ask.release(t(0, 5), reason, { target: 'one' }))
        .thenRefused('target', { field: 'target' }),
    ]),
  ]);
});
