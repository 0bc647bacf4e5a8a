import { serialize } from 'node:v8';
import { SeededRandom } from '../../src/clock';
import { LogChecker } from '../../src/domain/invariants';
import type { RecordedEvent } from '../../src/event-store';
import { definition, incarnations } from './healthy-log';
import { check, logged, Recorder, renumber, zoneData } from './recorder';

const first = (events: readonly RecordedEvent[]) => check(events)[0];

describe('a job whose owner is gone (I5)', () => {
  /** One service has failed with a job; another one beats on for a quarter of an hour. */
  const left = (more: {
    readonly tag?: Record<string, string>;
    readonly affinity?: 'preferred';
    readonly silentForMs?: number;
    readonly requeue?: boolean;
    /** Handlers of the survivor. */
    readonly handlers?: Record<string, string>;
    /** Who marks the owner failed. Default: an observer. */
    readonly operator?: { readonly confirmedDead: boolean };
    /** Before the n-th beat of the survivor. */
    readonly before?: (log: Recorder, n: number) => void;
  }) => {
    const log = new Recorder();
    log.register('engine@host-1', incarnations.one);
    log.register('engine@host-2', incarnations.two, more.handlers && { handlers: more.handlers });
    log.schedule('j', definition({ tag: more.tag ?? {}, ...(more.affinity && { affinity: more.affinity }) }));
    log.claim('j', 'engine@host-1');
    if (more.operator === undefined) log.markFailed('engine@host-1', 'engine@host-2');
    else
      log.service('engine@host-1', {
        kind: 'MarkServiceFailed',
        by: 'operator',
        actor: 'ann',
        incarnation: incarnations.one,
        reason: 'asked',
        commandId: log.commandId(),
        at: log.now,
        ...more.operator,
      });
    for (let n = 1; n <= 30; n += 1) {
      log.now += n === 15 ? (more.silentForMs ?? 30_000) : 30_000;
      more.before?.(log, n);
      log.beat('engine@host-2', n);
    }
    if (more.requeue !== false) log.requeue('j', more.tag === undefined ? 'engine@host-2' : null);
    return log.events;
  };
  const words = new RegExp(
    `was left with incarnation ${incarnations.one} of service engine@host-1 for 15 minutes after that had failed, though service engine@host-2, which is eligible, lived`,
  );

  it('was requeued so late that it had been forgotten', () => {
    expect(check(left({}))).toEqual([
      expect.objectContaining({ invariant: 'I5', stream: 'job-j', words: expect.stringMatching(words) as unknown }),
    ]);
  });
  it('had another to go to, though its tag only prefers others', () => {
    const tag = { zone: 'nowhere' };
    expect(check(left({ tag, requeue: false }))).toEqual([]);
    expect(check(left({ tag, affinity: 'preferred', requeue: false }))).toMatchObject([{ invariant: 'I5' }]);
  });
  it('is still left with it at the end: the event that ended the owner is named', () => {
    const events = left({ requeue: false });
    const verdict = events.find(({ type }) => type === 'ServiceMarkedFailed');
    expect(check(events)).toEqual([
      expect.objectContaining({
        invariant: 'I5',
        stream: 'service-engine@host-1',
        revision: 1,
        eventId: verdict?.id,
        words: expect.stringMatching(words) as unknown,
      }),
    ]);
  });
  it('waits rightly while nobody is eligible, and while the log itself was not there', () => {
    expect(check(left({ tag: { host: 'host-1' } }))).toEqual([]);
    expect(check(left({ silentForMs: 120_000 }))).toEqual([]);
    expect(check(left({ silentForMs: 120_000, requeue: false }))).toEqual([]);
    expect(check(left({ handlers: { other: '1' }, requeue: false }))).toEqual([]);
    const drains = (log: Recorder, n: number) => {
      if (n === 2) log.service('engine@host-2', { kind: 'StartDrain', reason: 'shutdown', at: log.now });
    };
    expect(check(left({ before: drains, requeue: false }))).toEqual([]);
  });
  it('waits rightly when who could take it has come a while ago only, or has fallen silent', () => {
    const away = left({ handlers: { other: '1' }, requeue: false });
    const from = away.length - 10;
    const log = new Recorder();
    log.now = away[from].created;
    log.register('engine@host-3', incarnations.oneAgain);
    const [came] = log.events;
    const joined = renumber([...away.slice(0, from), came, ...away.slice(from)]);
    expect(check(joined)).toEqual([]);
    // The only one that could has no beat in the last two minutes; another one goes on.
    const silent = new Recorder();
    silent.register('engine@host-1', incarnations.one);
    silent.register('engine@host-2', incarnations.two);
    silent.register('engine@host-3', incarnations.oneAgain, { handlers: { other: '1' } });
    silent.schedule('j', definition());
    silent.claim('j', 'engine@host-1');
    silent.markFailed('engine@host-1', 'engine@host-2');
    for (let n = 1; n <= 34; n += 1) {
      silent.now += 30_000;
      if (n <= 30) silent.beat('engine@host-2', n);
      silent.beat('engine@host-3', n);
    }
    expect(check(silent.events)).toEqual([]);
  });
  it('may wait for ever for the silence of one that an operator marked, unless that one is confirmed dead', () => {
    expect(check(left({ operator: { confirmedDead: false }, requeue: false }))).toEqual([]);
    expect(check(left({ operator: { confirmedDead: true }, requeue: false }))).toMatchObject([{ invariant: 'I5' }]);
  });
  it('is not judged when an event of the job cannot be read, and the clock of the log is the latest that it told', () => {
    const events = left({ requeue: false });
    const asked = (log: Recorder) => ({ commandId: log.commandId(), reason: 'asked', at: log.now, zoneData });
    const paused = left({
      requeue: false,
      before: (log, n) => void (n === 2 && log.job('j', { kind: 'PauseJob', ...asked(log) })),
    });
    expect(check(paused)).toMatchObject([{ invariant: 'I5' }]);
    const strange = paused.map((event) => (event.type === 'JobPaused' ? { ...event, type: 'JobTeleported' } : event));
    expect(check(strange)).toEqual([]);
    const log = new Recorder();
    log.now = events[0].created;
    log.register('engine@host-3', incarnations.oneAgain);
    const back = renumber([...events, ...log.events]);
    expect(check(back)).toMatchObject([{ invariant: 'I5' }]);
  });
});

describe('ids of events', () => {
  it('may be UUIDv7 of the same second: beats are', () => {
    const log = new Recorder();
    log.register('engine@host-1', incarnations.one);
    for (let n = 1; n <= 3_000; n += 1) {
      log.now += 20;
      log.beat('engine@host-1', n);
    }
    const random = new SeededRandom(5);
    const events = log.events.map((event) => ({ ...event, id: random.uuid(event.created) }));
    expect(check(events)).toEqual([]);
    const twice = events.map((event, n) => (n === 2_040 ? { ...event, id: events[2_000].id } : event));
    expect(check(twice)).toEqual([expect.objectContaining({ invariant: 'log', eventId: events[2_000].id })]);
  });
});

describe('what is kept while a log is checked', () => {
  /** Bytes of everything that the checker holds. */
  const sizeOf = (checker: LogChecker): number => {
    const services: unknown = Reflect.get(checker, 'services');
    const places: unknown = Reflect.get(checker, 'places');
    return serialize({ services, places }).length;
  };
  const after = (write: (log: Recorder) => void): number => {
    const log = new Recorder();
    log.register('engine@host-1', incarnations.one);
    write(log);
    const checker = new LogChecker();
    for (const event of log.events) expect(checker.check(logged(event))).toEqual([]);
    return sizeOf(checker);
  };
  const runs = (count: number) => (log: Recorder) => {
    log.schedule('j', definition());
    log.claim('j', 'engine@host-1');
    for (let n = 0; n < count; n += 1) {
      log.now += 60_000;
      log.startRun('j');
      log.complete('j');
    }
  };
  const lives = (count: number) => (log: Recorder) => {
    const once = definition({ schedule: { kind: 'once', at: 'asap', start: null, end: null, maxRuns: null } });
    for (let n = 0; n < count; n += 1) {
      log.schedule(`once-${n}`, once);
      log.claim(`once-${n}`, 'engine@host-1');
      log.complete(`once-${n}`);
    }
  };

  it('does not grow with the runs that are closed', () => {
    // Books are closed at 500 events, and begin anew what is kept: fewer.
    expect(after(runs(240)) - after(runs(40))).toBeLessThan(500);
    expect(after(runs(2_000)) - after(runs(240))).toBeLessThan(500);
  });
  it('is a few hundred bytes of a job that has ended', () => {
    // 465 as this is written; 614 with the whole track.
    expect((after(lives(400)) - after(lives(100))) / 300).toBeLessThan(540);
  });
  it('still tells that a job which has ended is not to be changed, and how it may begin anew', () => {
    const log = new Recorder();
    log.register('engine@host-1', incarnations.one);
    lives(1)(log);
    const { length } = log.events;
    log.schedule('once-0', definition(), { renew: true });
    log.claim('once-0', 'engine@host-1', false);
    expect(check(log.events)).toEqual([]);
    const [bound] = log.events.slice(-1);
    const wrong = (data: object) => [
      ...log.events.slice(0, -1),
      { ...bound, data: JSON.stringify({ ...JSON.parse(bound.data), ...data }) },
    ];
    expect(first(wrong({ epoch: 1 }))).toMatchObject({ invariant: 'I1' });
    const revision = log.events[length].revision;
    const unrenewed = [...log.events.slice(0, length), { ...bound, revision, position: BigInt(length + 1) }];
    expect(first(unrenewed)).toMatchObject({ invariant: 'I3' });
  });
});
