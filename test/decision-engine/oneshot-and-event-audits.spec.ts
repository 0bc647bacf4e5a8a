import { CommandRefusedError, history, Jobs } from '../../src';
import { Stage } from './stage';

/** Watcher's OneShotAuditHandler, EventAuditHandler and WebhookController; the table is in examples/decision-engine/README.md. */

let stage: Stage;
beforeEach(async () => (stage = await Stage.open('engine')));
afterEach(() => stage.close());
const refusal = (asked: Promise<unknown>) =>
  stage.testing.during(asked).then(
    () => null,
    (error: unknown) => (error as CommandRefusedError).refusals?.[0] ?? error,
  );
const fail = () => {
  throw new Error('the metrics are out of reach');
};
/** The next look at the cluster lasts until it is called. */
const nextLookUntilCalled = () => {
  let finish!: () => void;
  stage.looks.push(() => new Promise((resolve) => (finish = () => resolve({ hosts: [], instances: [] }))));
  return () => finish();
};

describe('a ONESHOT audit', () => {
  const oneshot = { type: 'ONESHOT', interval: undefined, goal: 'server-consolidation' } as const;

  it('runs once, as soon as possible, and is SUCCEEDED', async () => {
    await stage.create('audit-a', oneshot);
    await stage.testing.advance('5m');
    expect(stage.testing.runs('audit-a')).toMatchObject([{ outcome: 'returned' }]);
    expect(await stage.state('audit-a')).toBe('SUCCEEDED');
    expect(stage.ledger.plans('audit-a')).toMatchObject([
      { state: 'RECOMMENDED', plan: { strategy: 'consolidation' } },
    ]);
  });

  it('is PENDING until somebody has it, and ONGOING while it runs', async () => {
    await stage.create('audit-a', { ...oneshot, tag: { name: 'nobody' } });
    expect(await stage.state('audit-a')).toBe('PENDING');
    const finish = nextLookUntilCalled();
    await stage.create('audit-b', oneshot);
    expect(await stage.state('audit-b')).toBe('ONGOING');
    finish();
    await stage.testing.advance('1s');
    expect(await stage.state('audit-b')).toBe('SUCCEEDED');
  });

  it('that fails again and again is FAILED', async () => {
    stage.looks.push(fail, fail, fail, fail);
    await stage.create('audit-a', oneshot);
    expect(await stage.state('audit-a')).toBe('ONGOING');
    await stage.testing.advance('1m');
    expect(stage.testing.runs('audit-a')).toHaveLength(4);
    expect(await stage.state('audit-a')).toBe('FAILED');
    expect(await refusal(stage.desk.resume('audit-a'))).toMatchObject({ field: 'state', value: 'ONGOING' });
  });

  it('that was cancelled before it ran is not run', async () => {
    await stage.create('audit-a', { ...oneshot, tag: { name: 'nobody' } });
    await stage.testing.during(stage.desk.cancel('audit-a'));
    expect(await stage.state('audit-a')).toBe('CANCELLED');
    expect(await refusal(stage.desk.update('audit-a', { tag: {} }))).toMatchObject({
      field: 'state',
      value: 'CANCELLED',
    });
    await stage.testing.advance('1m');
    expect(stage.testing.runs('audit-a')).toEqual([]);
  });

  it('that is cancelled while it runs is told to stop, and writes nothing', async () => {
    const finish = nextLookUntilCalled();
    await stage.create('audit-a', oneshot);
    await stage.testing.during(stage.desk.cancel('audit-a'));
    await stage.testing.advance('1s');
    finish();
    await stage.testing.advance('1m');
    expect(stage.testing.runs('audit-a')).toMatchObject([{ outcome: 'threw' }]);
    expect(stage.ledger.plans('audit-a')).toEqual([]);
    expect(await stage.state('audit-a')).toBe('CANCELLED');
  });

  it('handed in twice is one; with another definition it is refused', async () => {
    await stage.create('audit-a', oneshot);
    const same = { ...oneshot, id: 'audit-b', tag: { name: 'nobody' } };
    expect(await stage.testing.during(stage.desk.create(same))).toMatchObject({ added: 1 });
    expect(await stage.testing.during(stage.desk.create(same))).toMatchObject({ added: 0 });
    expect(await refusal(stage.desk.create({ ...same, tag: {} }))).toMatchObject({ code: 'job-exists', field: 'id' });
  });
});

describe('an EVENT audit', () => {
  const event = { type: 'EVENT', interval: undefined } as const;

  it('waits until it is triggered, then runs at once', async () => {
    await stage.create('audit-a', event);
    await stage.testing.advance('5m');
    expect(await stage.desk.get('audit-a')).toMatchObject({ state: 'PENDING', nextRun: null });
    expect(stage.testing.runs('audit-a')).toEqual([]);
    await stage.testing.during(stage.desk.trigger('audit-a', { actor: 'webhook', reason: 'a host was added' }));
    await stage.testing.advance('1s');
    expect(stage.testing.runs('audit-a')).toMatchObject([{ outcome: 'returned' }]);
    expect(await stage.state('audit-a')).toBe('SUCCEEDED');
    expect(await stage.facts('audit-a', 'JobRunRequested')).toMatchObject([{ reason: 'a host was added' }]);
    const actors: unknown[] = [];
    for await (const { metadata } of history(stage.testing.store, 'audit-a'))
      actors.push((metadata as { readonly actor?: string }).actor);
    expect(actors).toContain('webhook');
  });

  it('is triggered again after it has succeeded, and after it has failed', async () => {
    await stage.create('audit-a', event);
    stage.looks.push(fail, fail, fail, fail);
    for (const state of ['FAILED', 'SUCCEEDED', 'SUCCEEDED']) {
      await stage.testing.during(stage.desk.trigger('audit-a'));
      await stage.testing.advance('20s');
      expect(await stage.state('audit-a')).toBe(state);
    }
  });

  it('keeps a trigger that comes while it runs, and runs next', async () => {
    const finish = nextLookUntilCalled();
    await stage.create('audit-a', event);
    await stage.testing.during(stage.desk.trigger('audit-a'));
    await stage.testing.advance('1s');
    await stage.testing.during(stage.desk.trigger('audit-a'));
    expect(await stage.state('audit-a')).toBe('ONGOING');
    expect(stage.testing.runs('audit-a')).toHaveLength(1);
    finish();
    await stage.testing.advance('1s');
    expect(stage.testing.runs('audit-a')).toHaveLength(2);
    expect(await stage.state('audit-a')).toBe('SUCCEEDED');
  });

  it('the same trigger twice, by its command id, is one', async () => {
    await stage.create('audit-a', event);
    for (let n = 0; n < 2; n += 1) {
      await stage.testing.during(stage.desk.trigger('audit-a', { commandId: 'alarm-17' }));
      await stage.testing.advance('1s');
    }
    expect(stage.testing.runs('audit-a')).toHaveLength(1);
  });

  it('an audit of another type is not triggered', async () => {
    await stage.create('audit-a');
    expect(await refusal(stage.desk.trigger('audit-a'))).toMatchObject({
      field: 'type',
      value: 'CONTINUOUS',
      rule: expect.stringMatching(/EVENT/),
      remedy: expect.stringMatching(/.+/),
    });
  });

  it('an audit that nobody knows is not triggered', async () => {
    expect(await refusal(stage.desk.trigger('audit-a'))).toMatchObject({
      code: 'job-unknown',
      field: 'id',
      value: 'audit-a',
    });
  });

  it('one that is suspended, cancelled or deleted is not triggered', async () => {
    const finish = nextLookUntilCalled();
    await stage.create('audit-a', event);
    await stage.testing.during(stage.desk.trigger('audit-a'));
    await stage.testing.advance('1s');
    await stage.testing.during(stage.desk.suspend('audit-a'));
    finish();
    await stage.testing.advance('1s');
    expect(await refusal(stage.desk.trigger('audit-a'))).toMatchObject({ field: 'state', value: 'SUSPENDED' });
    await stage.testing.during(stage.desk.delete('audit-a'));
    expect(await refusal(stage.desk.trigger('audit-a'))).toMatchObject({ field: 'state', value: 'DELETED' });
    await stage.create('audit-b', event);
    await stage.testing.during(stage.desk.cancel('audit-b'));
    expect(await refusal(stage.desk.trigger('audit-b'))).toMatchObject({ field: 'state', value: 'CANCELLED' });
  });

  it('triggered while its owner dies: the trigger is kept, and answered elsewhere', async () => {
    await stage.close();
    stage = await Stage.open('api');
    await stage.engines('host-2');
    await stage.create('audit-a', event);
    await stage.testing.kill('engine@host-2');
    await stage.testing.during(stage.desk.trigger('audit-a'));
    await stage.engines('host-3');
    await stage.testing.advance('20s');
    expect(stage.testing.runs('audit-a')).toMatchObject([{ serviceId: 'engine@host-3', outcome: 'returned' }]);
  });
});

describe('a refused transition', () => {
  it('is judged on the state that is written on, not on what the view said', async () => {
    await stage.create('audit-a', { interval: '60' });
    expect((await stage.desk.get('audit-a'))?.state).toBe('ONGOING');
    const [paused, suspended] = await Promise.allSettled([
      stage.testing.during(stage.get(Jobs).pause('audit-a')),
      stage.desk.suspend('audit-a'),
    ]);
    expect(paused.status).toBe('fulfilled');
    expect(suspended).toMatchObject({ reason: { refusals: [{ code: 'state-transition', value: 'SUSPENDED' }] } });
  });

  it('the same command again is no transition: it answers what it did', async () => {
    await stage.create('audit-a', { interval: '60' });
    const first = await stage.testing.during(stage.desk.suspend('audit-a', { commandId: 'freeze-1' }));
    expect(await stage.testing.during(stage.desk.suspend('audit-a', { commandId: 'freeze-1' }))).toEqual({
      ...first,
      added: 0,
    });
    expect(await refusal(stage.desk.suspend('audit-a', { commandId: 'freeze-2' }))).toMatchObject({
      field: 'state',
      remedy: 'Nothing is to be done.',
    });
  });
});
