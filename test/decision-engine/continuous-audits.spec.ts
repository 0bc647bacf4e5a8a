import { CommandRefusedError, Jobs, verifyLog } from '../../src';
import { Stage } from './stage';

/** Watcher's ContinuousAuditHandler; the table is in examples/decision-engine/README.md. The clock begins at 2026-01-01T00:00:00Z. */

let stage: Stage;
const open = async (name: 'engine' | 'api') => {
  stage = await Stage.open(name);
};
afterEach(async () => {
  expect(await verifyLog(stage.testing.store)).toMatchObject({ violations: [] });
  await stage.close();
});
const at = (time: string) => `2026-01-01T${time}`;
const refusal = (asked: Promise<unknown>) =>
  stage.testing.during(asked).then(
    () => null,
    (error: unknown) => (error as CommandRefusedError).refusals?.[0] ?? error,
  );

describe('the interval of a continuous audit', () => {
  beforeEach(() => open('engine'));

  it('interval new: runs at once, and then by its interval', async () => {
    await stage.create('audit-a', { interval: '60' });
    await stage.testing.advance('150s');
    expect(stage.runTimes('audit-a')).toEqual([at('00:00:00'), at('00:01:00'), at('00:02:00')]);
    expect((await stage.desk.get('audit-a'))?.nextRun).toBe(Date.parse(`${at('00:03:00')}Z`));
  });

  it('many audits each have their own', async () => {
    await stage.create('audit-a', { interval: '60' });
    await stage.create('audit-b', { interval: 'PT90S' });
    await stage.testing.advance('181s');
    expect(stage.runTimes('audit-a')).toHaveLength(4);
    expect(stage.runTimes('audit-b')).toHaveLength(3);
  });

  it('interval changed: the next run is by the new one', async () => {
    await stage.create('audit-a', { interval: '3600' });
    await stage.testing.during(stage.desk.update('audit-a', { interval: '60' }));
    await stage.testing.advance('150s');
    expect(stage.runTimes('audit-a')).toEqual([at('00:00:00'), at('00:01:01'), at('00:02:01')]);
    const [change] = await stage.facts('audit-a', 'JobRescheduled');
    expect(change.definition.schedule).toMatchObject({ kind: 'interval', everyMs: 60_000 });
  });

  it('interval changed while a run is open: that run ends, and is not begun again', async () => {
    let finish!: () => void;
    stage.looks.push(() => new Promise((resolve) => (finish = () => resolve({ hosts: [], instances: [] }))));
    await stage.create('audit-a', { interval: '3600' });
    expect(stage.testing.runs('audit-a')).toMatchObject([{ outcome: 'running' }]);
    await stage.testing.during(stage.desk.update('audit-a', { interval: '60' }));
    finish();
    await stage.testing.advance('90s');
    expect(stage.testing.runs('audit-a').map(({ outcome, attempt }) => [outcome, attempt])).toEqual([
      ['returned', 1],
      ['returned', 1],
    ]);
  });

  it('strategy, scope and goal changed: the next run is by the new ones, and the beat stays', async () => {
    await stage.create('audit-a', { goal: 'dummy', parameters: { para1: 1 }, interval: '60' });
    await stage.testing.advance('30s');
    await stage.testing.during(
      stage.desk.update('audit-a', { goal: 'server-consolidation', scope: { zones: ['az-2'] } }),
    );
    await stage.testing.advance('40s');
    expect(stage.runTimes('audit-a')).toEqual([at('00:00:00'), at('00:01:00')]);
    const [newest, first] = stage.ledger.plans('audit-a').map(({ plan }) => plan);
    expect(first).toMatchObject({ strategy: 'no-op', inputs: { parameters: { para1: 1 } } });
    expect(newest).toMatchObject({ goal: 'server-consolidation', strategy: 'consolidation' });
    expect(newest.before.hosts.map(({ host }) => host)).toEqual(['node-4', 'node-5', 'node-6']);
  });

  it('a newer plan takes the place of the one before', async () => {
    await stage.create('audit-a', { goal: 'server-consolidation', interval: '60' });
    await stage.testing.advance('1m');
    expect(stage.ledger.plans('audit-a').map(({ state }) => state)).toEqual(['RECOMMENDED', 'CANCELLED']);
    await stage.create('audit-b', { goal: 'dummy' });
    expect(stage.ledger.plans('audit-b').map(({ state }) => state)).toEqual(['SUCCEEDED']);
  });
});

describe('an interval that is overdue', () => {
  beforeEach(() => open('api'));

  it('interval overdue: one run makes up for those that were missed, and the beat stays', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a', { interval: '60' });
    await stage.testing.advance('89s');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('3m');
    await stage.engines('host-3');
    await stage.testing.advance('1m');
    expect(stage.runTimes('audit-a').map((time) => time.slice(11, 16))).toEqual(['00:00', '00:01', '00:04', '00:05']);
    const skipped = (await stage.facts('audit-a', 'JobSlotsSkipped')).filter(({ reason }) => reason === 'coalesced');
    expect(skipped.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });

  it('claimed for tomorrow: it moves when its owner dies today', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a', { start: '2026-01-02T00:00:00Z' });
    await stage.testing.expectOwner('audit-a', 'engine@host-2');
    await stage.engines('host-3');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('20s');
    await stage.testing.expectOwner('audit-a', 'engine@host-3');
    expect(await stage.state('audit-a')).toBe('PENDING');
    expect(stage.testing.runs('audit-a')).toEqual([]);
    expect((await stage.desk.get('audit-a'))?.nextRun).toBe(Date.parse('2026-01-02T00:00:00Z'));
  });
});

describe('the cron pattern of a continuous audit', () => {
  beforeEach(() => open('engine'));

  it('cron: runs when it says so, and not before', async () => {
    await stage.create('audit-a', { interval: '*/5 * * * *' });
    expect(stage.runTimes('audit-a')).toEqual([]);
    expect((await stage.desk.get('audit-a'))?.nextRun).toBe(Date.parse(`${at('00:05:00')}Z`));
    await stage.testing.advance('12m');
    expect(stage.runTimes('audit-a')).toEqual([at('00:05:00'), at('00:10:00')]);
  });

  it('cron in a zone', async () => {
    await stage.create('audit-a', { interval: '30 5 * * *', zone: 'Asia/Kolkata' });
    expect((await stage.desk.get('audit-a'))?.nextRun).toBe(Date.parse('2026-01-02T00:00:00Z'));
  });

  it('invalid cron: is refused with field, value, rule and remedy, new and changed', async () => {
    const invalid = {
      field: 'interval',
      value: '*/5* * * *',
      rule: expect.stringMatching(/fields/),
      remedy: expect.stringMatching(/.+/),
    };
    const spec = { id: 'audit-a', type: 'CONTINUOUS', goal: 'dummy' } as const;
    expect(await refusal(stage.desk.create({ ...spec, interval: '*/5* * * *' }))).toMatchObject(invalid);
    expect(await stage.desk.get('audit-a')).toBeNull();
    await stage.create('audit-a', { interval: '*/5 * * * *' });
    expect(await refusal(stage.desk.update('audit-a', { interval: '*/5* * * *' }))).toMatchObject(invalid);
    await stage.testing.advance('6m');
    expect(stage.runTimes('audit-a')).toEqual([at('00:05:00')]);
  });

  it('from an interval to a cron pattern and back', async () => {
    await stage.create('audit-a', { interval: '3600' });
    await stage.testing.during(stage.desk.update('audit-a', { interval: '*/5 * * * *', zone: 'UTC' }));
    await stage.testing.advance('11m');
    await stage.testing.during(stage.desk.update('audit-a', { interval: '120' }));
    await stage.testing.advance('3m');
    expect(stage.runTimes('audit-a')).toEqual([at('00:00:00'), at('00:05:00'), at('00:10:00'), at('00:13:01')]);
  });
});

describe('inactive audits do not run', () => {
  beforeEach(() => open('engine'));
  const runsAfter = async (id: string, ask: () => Promise<unknown>) => {
    await stage.create(id, { interval: '60' });
    await stage.testing.during(ask());
    const before = stage.testing.runs(id).length;
    await stage.testing.advance('5m');
    return stage.testing.runs(id).length - before;
  };

  it('cancelled', async () => {
    expect(await runsAfter('audit-a', () => stage.desk.cancel('audit-a'))).toBe(0);
    expect(await stage.state('audit-a')).toBe('CANCELLED');
  });

  it('suspended', async () => {
    expect(await runsAfter('audit-a', () => stage.desk.suspend('audit-a'))).toBe(0);
    expect(await stage.state('audit-a')).toBe('SUSPENDED');
    expect((await stage.desk.get('audit-a'))?.nextRun).toBeNull();
  });

  it('deleted', async () => {
    const gone = async () => {
      await stage.desk.cancel('audit-a');
      await stage.desk.delete('audit-a');
    };
    expect(await runsAfter('audit-a', gone)).toBe(0);
    expect(await stage.state('audit-a')).toBe('DELETED');
    expect(await stage.desk.list()).toEqual([]);
    expect(await stage.desk.list({ deleted: true })).toMatchObject([{ id: 'audit-a', state: 'DELETED' }]);
  });

  it('an active one beside them runs', async () => {
    await stage.create('audit-b', { interval: '60' });
    expect(await runsAfter('audit-a', () => stage.desk.suspend('audit-a'))).toBe(0);
    expect(await stage.state('audit-b')).toBe('ONGOING');
    expect(stage.testing.runs('audit-b').length).toBeGreaterThan(5);
  });

  it('resumed: it runs on by its beat, and what fell meanwhile is not made up for', async () => {
    await stage.create('audit-a', { interval: '60' });
    await stage.testing.during(stage.desk.suspend('audit-a'));
    await stage.testing.advance('150s');
    await stage.testing.during(stage.desk.resume('audit-a'));
    await stage.testing.advance('60s');
    expect(stage.runTimes('audit-a')).toEqual([at('00:00:00'), at('00:03:00')]);
    expect(await stage.facts('audit-a', 'JobSlotsSkipped')).toMatchObject([{ reason: 'paused', count: 2 }]);
  });

  it('removed while its job is due: it is not begun', async () => {
    let finish!: () => void;
    stage.looks.push(() => new Promise((resolve) => (finish = () => resolve({ hosts: [], instances: [] }))));
    await stage.create('audit-a', { interval: '60' });
    await stage.testing.during(stage.get(Jobs).runNow('audit-a', { reason: 'waits for the open run' }));
    await stage.testing.advance('70s');
    expect(stage.testing.runs('audit-a')).toHaveLength(1);
    await stage.testing.during(stage.desk.cancel('audit-a'));
    await stage.testing.during(stage.desk.delete('audit-a'));
    // The worker is told of the cancellation by the log.
    await stage.testing.advance('1s');
    finish();
    await stage.testing.advance('5m');
    expect(stage.testing.runs('audit-a')).toHaveLength(1);
    expect(stage.ledger.plans('audit-a')).toEqual([]);
    const ends = (await stage.facts('audit-a', 'JobSlotsSkipped')).flatMap(({ slots }) => slots);
    expect(ends).toEqual([expect.stringMatching(/^manual:/)]);
  });
});

describe('an audit and its owner', () => {
  beforeEach(() => open('api'));

  it('not started by a non-owner', async () => {
    await stage.engines('host-2', 'host-3');
    await stage.create('audit-a', { interval: '5' });
    const owner = await stage.owner('audit-a');
    await stage.testing.advance('1m');
    expect(stage.testing.runs('audit-a').length).toBeGreaterThan(9);
    expect(new Set(stage.testing.runs('audit-a').map(({ serviceId }) => serviceId))).toEqual(new Set([owner]));
  });

  it('moved by an operator: the former owner starts nothing more', async () => {
    await stage.engines('host-2', 'host-3');
    await stage.create('audit-a', { interval: '10' });
    const former = await stage.owner('audit-a');
    const other = ['engine@host-2', 'engine@host-3'].find((id) => id !== former)!;
    await stage.testing.during(stage.get(Jobs).bind('audit-a', other));
    const before = stage.testing.runs('audit-a').length;
    await stage.testing.advance('50s');
    const since = stage.testing.runs('audit-a').slice(before);
    expect(since.length).toBeGreaterThan(3);
    expect(new Set(since.map(({ serviceId }) => serviceId))).toEqual(new Set([other]));
  });

  it('suspended when its owner dies: it moves, and is resumed elsewhere', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a', { interval: '60' });
    await stage.engines('host-3');
    await stage.testing.during(stage.desk.suspend('audit-a'));
    const before = stage.testing.runs('audit-a').length;
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('2m');
    await stage.testing.expectOwner('audit-a', 'engine@host-3');
    expect(await stage.state('audit-a')).toBe('SUSPENDED');
    expect(stage.testing.runs('audit-a')).toHaveLength(before);
    await stage.testing.during(stage.desk.resume('audit-a'));
    await stage.testing.advance('90s');
    expect(await stage.state('audit-a')).toBe('ONGOING');
    expect(stage.testing.runs('audit-a').at(-1)).toMatchObject({ serviceId: 'engine@host-3', outcome: 'returned' });
  });

  it('in quarantine it is suspended, and resuming it lets it be owned again', async () => {
    const owners = ['host-2', 'host-3', 'host-4'];
    for (let n = 0; n < 3; n += 1) stage.looks.push(() => new Promise(() => undefined));
    await stage.engines(owners[0]);
    await stage.create('audit-a');
    for (const [n, host] of owners.entries()) {
      if (n > 0) await stage.engines(host);
      await stage.testing.expectOwner('audit-a', `engine@${host}`, { within: '30s' });
      await stage.testing.advance('3s');
      await stage.testing.kill(`engine@${host}`);
      await stage.testing.advance('20s');
    }
    await stage.engines('host-5');
    await stage.testing.advance('20s');
    expect(await stage.facts('audit-a', 'JobQuarantined')).toHaveLength(1);
    expect(await stage.state('audit-a')).toBe('SUSPENDED');
    await stage.testing.during(stage.desk.resume('audit-a', { reason: 'it was the memory of host-2' }));
    await stage.testing.advance('5s');
    expect(await stage.state('audit-a')).toBe('ONGOING');
    expect(stage.testing.runs('audit-a').at(-1)).toMatchObject({ serviceId: 'engine@host-5', outcome: 'returned' });
  });
});

describe('an audit that fails', () => {
  beforeEach(() => open('engine'));
  const fails = (times: number) => {
    for (let n = 0; n < times; n += 1)
      stage.looks.push(() => {
        throw new Error('the metrics are out of reach');
      });
  };

  it('one failure is retried, not final', async () => {
    fails(1);
    await stage.create('audit-a');
    await stage.testing.advance('5s');
    expect(stage.testing.runs('audit-a').map(({ outcome, attempt }) => [outcome, attempt])).toEqual([
      ['threw', 1],
      ['returned', 2],
    ]);
    expect(await stage.state('audit-a')).toBe('ONGOING');
    expect(stage.ledger.plans('audit-a')).toHaveLength(1);
  });

  it('a run that fails for good does not end the audit: its next slot comes', async () => {
    fails(4);
    await stage.create('audit-a', { interval: '60' });
    await stage.testing.advance('30s');
    expect(stage.testing.runs('audit-a').map(({ outcome }) => outcome)).toEqual(Array(4).fill('threw'));
    expect(await stage.desk.get('audit-a')).toMatchObject({ state: 'ONGOING', lastOutcome: { outcome: 'failed' } });
    await stage.testing.advance('40s');
    expect(stage.testing.runs('audit-a').at(-1)).toMatchObject({ outcome: 'returned', attempt: 1 });
  });

  it('without a look at the cluster there is no plan', async () => {
    fails(4);
    await stage.create('audit-a');
    await stage.testing.advance('1m');
    expect(stage.ledger.rows().map(({ finishedAt }) => finishedAt)).toEqual([null, null, null, null]);
    expect(stage.ledger.plans('audit-a')).toEqual([]);
  });
});

describe('the window of an audit', () => {
  beforeEach(() => open('api'));
  const [start, end] = ['2026-01-01T00:02:00Z', '2026-01-01T00:05:00Z'];
  const windowed = { interval: '60', start, end } as const;
  const minutes = (id: string) => stage.runTimes(id).map((time) => time.slice(11));

  it('without a window: inside', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a', { interval: '60' });
    await stage.testing.advance('130s');
    expect(minutes('audit-a')).toEqual(['00:00:00', '00:01:00', '00:02:00']);
    expect(await stage.state('audit-a')).toBe('ONGOING');
  });

  it('before start: pending, and nothing runs', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a', windowed);
    await stage.testing.advance('100s');
    expect(stage.testing.runs('audit-a')).toEqual([]);
    expect(await stage.desk.get('audit-a')).toMatchObject({ state: 'PENDING', nextRun: Date.parse(start) });
  });

  it('inside: it runs from its start on', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a', windowed);
    await stage.testing.advance('190s');
    expect(minutes('audit-a')).toEqual(['00:02:00', '00:03:00']);
    expect(await stage.state('audit-a')).toBe('ONGOING');
  });

  it('after end: SUCCEEDED, and nothing runs', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a', windowed);
    await stage.testing.advance('8m');
    expect(minutes('audit-a')).toEqual(['00:02:00', '00:03:00', '00:04:00']);
    expect(await stage.desk.get('audit-a')).toMatchObject({ state: 'SUCCEEDED', nextRun: null });
  });

  it('expired before anybody could run it: nothing is looked at, and it is SUCCEEDED', async () => {
    await stage.create('audit-a', windowed);
    await stage.testing.advance('6m');
    expect(await stage.state('audit-a')).toBe('PENDING');
    stage.looks.push(() => {
      throw new Error('its window is over');
    });
    await stage.engines('host-2');
    await stage.testing.advance('5s');
    expect(await stage.state('audit-a')).toBe('SUCCEEDED');
    expect(stage.ledger.rows()).toMatchObject([{ job: 'audit-a', plan: null }]);
    expect(stage.ledger.rows()[0].finishedAt).not.toBeNull();
    expect(stage.looks).toHaveLength(1);
  });

  it('a new audit whose end has passed is refused', async () => {
    await stage.testing.advance('6m');
    const spec = { id: 'audit-a', type: 'CONTINUOUS', goal: 'dummy', ...windowed } as const;
    expect(await refusal(stage.desk.create(spec))).toMatchObject({ code: 'never-fires', rule: expect.any(String) });
  });

  it('an end that is moved holds from the next run on', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a', windowed);
    await stage.testing.advance('150s');
    await stage.testing.during(stage.desk.update('audit-a', { end: '2026-01-01T00:04:00Z' }));
    await stage.testing.advance('3m');
    expect(minutes('audit-a')).toEqual(['00:02:00', '00:03:00']);
    expect(await stage.state('audit-a')).toBe('SUCCEEDED');
    expect(await refusal(stage.desk.update('audit-a', { end }))).toMatchObject({ field: 'state' });
  });
});
