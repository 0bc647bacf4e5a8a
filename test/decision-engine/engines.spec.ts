import { CommandBus } from '@nestjs/cqrs';
import { Jobs, jobType, RegisterServiceCommand, Services } from '../../src';
import { enginesOf } from '../../examples/decision-engine/engine-status';
import { Stage } from './stage';

/** Watcher's ServiceHeartbeat, ServiceMonitoringBase and DecisionEngineMonitor; the table is in examples/decision-engine/README.md. */

const FAIL_AFTER = '10s';
const audits = (...ids: readonly string[]) => ids.map((id) => `audit-${id}`);

describe('the heartbeat', () => {
  let stage: Stage;
  beforeEach(async () => (stage = await Stage.open('api')));
  afterEach(() => stage.close());
  const registrations = () => stage.serviceFacts('service-engine@host-2', 'ServiceRegistered');
  const beats = () => stage.serviceFacts('heartbeat-engine@host-2', 'ServiceHeartbeat');

  it('first beat creates the service', async () => {
    expect(await stage.status()).toEqual([]);
    await stage.engines('host-2');
    expect(await registrations()).toHaveLength(1);
    expect((await beats())[0]).toMatchObject({ sequence: 1, incarnation: (await registrations())[0].incarnation });
    expect(await stage.status()).toEqual([{ engine: 'engine@host-2', status: 'ACTIVE', audits: 0 }]);
  });

  it('a later beat creates nothing', async () => {
    await stage.engines('host-2');
    const before = (await beats()).length;
    await stage.testing.advance('5s');
    expect((await beats()).length).toBeGreaterThanOrEqual(before + 4);
    expect(await registrations()).toHaveLength(1);
    expect(await stage.status()).toHaveLength(1);
  });
});

describe('the status of an engine', () => {
  let stage: Stage;
  beforeEach(async () => (stage = await Stage.open('api')));
  afterEach(() => stage.close());
  const status = async () => Object.fromEntries((await stage.status()).map((one) => [one.engine, one.status]));

  it('up: it beats', async () => {
    await stage.engines('host-2');
    await stage.testing.advance('1m');
    expect(await status()).toEqual({ 'engine@host-2': 'ACTIVE' });
    expect(await stage.serviceFacts('service-engine@host-2', 'ServiceMarkedFailed')).toEqual([]);
  });

  it('down: it has been silent for longer than failAfter', async () => {
    await stage.engines('host-2');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('4s');
    expect(await status()).toEqual({ 'engine@host-2': 'ACTIVE' });
    await stage.testing.advance(FAIL_AFTER);
    expect(await status()).toEqual({ 'engine@host-2': 'FAILED' });
  });

  it('never seen: one that registered and never beat is down after failAfter', async () => {
    await stage.testing.during(
      stage.get(CommandBus).execute(
        new RegisterServiceCommand({
          serviceId: 'engine@host-9',
          incarnation: '019a0000-0000-7000-8000-000000000009',
          labels: { name: 'engine', host: 'host-9' },
          capacity: { maxOwnedJobs: 10, maxConcurrentRuns: 1 },
          handlers: { audit: '1' },
          process: { pid: 4_000_000, bootId: null, pidNamespace: null, startTicks: null },
          placementVersion: 1,
          reason: 'start',
          supersede: null,
        }),
      ),
    );
    await stage.testing.advance(1_000);
    expect(await status()).toEqual({ 'engine@host-9': 'ACTIVE' });
    await stage.testing.advance(FAIL_AFTER);
    expect(await status()).toEqual({ 'engine@host-9': 'FAILED' });
    const [verdict] = await stage.serviceFacts('service-engine@host-9', 'ServiceMarkedFailed');
    expect(verdict).toMatchObject({ by: 'observer', evidence: { lastBeat: -1 } });
  });

  it('stopped in order is neither up nor down', async () => {
    await stage.engines('host-2');
    await stage.testing.leave('engine@host-2');
    await stage.testing.advance('1s');
    expect(await status()).toEqual({ 'engine@host-2': 'STOPPED' });
  });

  it('without services there is nothing to list', () => {
    expect(enginesOf([])).toEqual([]);
  });

  it('only own service name considered: in the list, and as a heir', async () => {
    await stage.testing.join({ name: 'applier', host: 'host-7' });
    await stage.engines('host-2', 'host-3');
    expect(Object.keys(await status())).toEqual(['engine@host-2', 'engine@host-3']);
    for (const id of audits('a', 'b', 'c', 'd')) await stage.create(id);
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance(FAIL_AFTER);
    for (const id of audits('a', 'b', 'c', 'd')) await stage.testing.expectOwner(id, 'engine@host-3');
  });
});

describe('who decides about a failed engine (Watcher: the leader)', () => {
  let stage: Stage;
  beforeEach(async () => (stage = await Stage.open('api')));
  afterEach(() => stage.close());
  const ids = audits('a', 'b', 'c', 'd', 'e', 'f');
  const whys = async () =>
    (await Promise.all(ids.map((id) => stage.facts(id, 'JobBoundToService')))).map((b) => b.at(-1)!);

  it('a single active engine is the first choice for every audit', async () => {
    await stage.engines('host-2');
    for (const id of ids) await stage.create(id);
    for (const bound of await whys())
      expect(bound).toMatchObject({ serviceId: 'engine@host-2', why: { rank: 0, candidates: 1 } });
  });

  it('of several active engines exactly one decides about each audit', async () => {
    await stage.engines('host-2');
    for (const id of ids) await stage.create(id);
    await stage.engines('host-3', 'host-4');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance(FAIL_AFTER);
    for (const id of ids) expect(await stage.facts(id, 'JobRequeued')).toHaveLength(1);
    for (const { serviceId, why } of await whys())
      expect(why).toMatchObject({ kind: 'requeue', rank: 0, first: serviceId });
  });

  it('failed engines are not asked', async () => {
    await stage.engines('host-2', 'host-3');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance(FAIL_AFTER);
    for (const id of ids) await stage.create(id);
    for (const bound of await whys())
      expect(bound).toMatchObject({ serviceId: 'engine@host-3', why: { candidates: 1, first: 'engine@host-3' } });
  });

  it('when the heir fails and the first one is back, that one decides', async () => {
    await stage.engines('host-2', 'host-3');
    for (const id of ids) await stage.create(id);
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance(FAIL_AFTER);
    for (const id of ids) await stage.testing.expectOwner(id, 'engine@host-3');
    await stage.engines('host-2');
    await stage.testing.kill('engine@host-3');
    await stage.testing.advance(FAIL_AFTER);
    for (const id of ids) await stage.testing.expectOwner(id, 'engine@host-2');
  });

  it('without an active engine nobody decides', async () => {
    await stage.create('audit-a');
    await stage.testing.advance('1m');
    expect(await stage.facts('audit-a', 'JobBoundToService')).toEqual([]);
    expect(stage.testing.runs('audit-a')).toEqual([]);
  });
});

describe('the monitor', () => {
  let stage: Stage;
  beforeEach(async () => (stage = await Stage.open('api')));
  afterEach(() => stage.close());
  const verdicts = (host: string) => stage.serviceFacts(`service-engine@${host}`, 'ServiceMarkedFailed');

  it('says nothing while all are active', async () => {
    await stage.engines('host-2', 'host-3');
    await stage.testing.advance('2m');
    for (const host of ['host-2', 'host-3']) expect(await verdicts(host)).toEqual([]);
  });

  it('says once that an engine failed, however many watch', async () => {
    await stage.engines('host-2', 'host-3', 'host-4');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('1m');
    expect(await verdicts('host-2')).toMatchObject([{ by: 'observer', evidence: { thresholdMs: 6_000 } }]);
  });

  it('one of three failed: its audits move, those of the others stay', async () => {
    await stage.engines('host-2', 'host-3', 'host-4');
    const ids = audits('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i');
    for (const id of ids) await stage.create(id);
    const before = new Map(await Promise.all(ids.map(async (id) => [id, await stage.owner(id)] as const)));
    const lost = ids.filter((id) => before.get(id) === 'engine@host-2');
    expect(lost.length).toBeGreaterThan(0);
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance(FAIL_AFTER);
    for (const id of ids) {
      const requeued = await stage.facts(id, 'JobRequeued');
      expect(requeued).toHaveLength(lost.includes(id) ? 1 : 0);
      if (lost.includes(id)) expect(await stage.owner(id)).toMatch(/^engine@host-[34]$/);
      else expect(await stage.owner(id)).toBe(before.get(id));
    }
    expect((await stage.status()).map(({ status }) => status)).toEqual(['FAILED', 'ACTIVE', 'ACTIVE']);
  });

  it('failed again: the heir fails too, and the audits move on', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a');
    await stage.engines('host-3', 'host-4');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance(FAIL_AFTER);
    const heir = (await stage.owner('audit-a'))!;
    await stage.testing.kill(heir);
    await stage.testing.advance('20s');
    const last = ['engine@host-3', 'engine@host-4'].find((id) => id !== heir)!;
    await stage.testing.expectOwner('audit-a', last);
    expect((await stage.facts('audit-a', 'JobBoundToService')).map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
  });

  it('failed, back, and failed again is told twice', async () => {
    await stage.engines('host-2', 'host-3');
    for (let n = 0; n < 2; n += 1) {
      if (n > 0) await stage.engines('host-2');
      await stage.testing.kill('engine@host-2');
      await stage.testing.advance('20s');
    }
    expect(await verdicts('host-2')).toHaveLength(2);
  });

  it('an engine that starts late takes what a failed one left', async () => {
    await stage.engines('host-2');
    await stage.create('audit-a');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('1m');
    await stage.engines('host-3');
    await stage.testing.expectOwner('audit-a', 'engine@host-3');
  });
});

describe('the migration of audits', () => {
  let stage: Stage;
  beforeEach(async () => (stage = await Stage.open('api')));
  afterEach(() => stage.close());
  const ids = Array.from({ length: 24 }, (_, n) => `audit-${n}`);
  /** They are at host-2; the others have joined since. */
  const atHost2 = async (ids: readonly string[], ...others: readonly string[]) => {
    await stage.engines('host-2');
    for (const id of ids) await stage.create(id);
    await stage.engines(...others);
    for (const id of ids) expect(await stage.owner(id)).toBe('engine@host-2');
  };

  it('to the only survivor', async () => {
    await atHost2(ids.slice(0, 6), 'host-3');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('20s');
    for (const id of ids.slice(0, 6)) await stage.testing.expectOwner(id, 'engine@host-3');
  });

  it('round the survivors', async () => {
    await atHost2(ids, 'host-3', 'host-4', 'host-5');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('20s');
    const shares = Object.fromEntries((await stage.status()).map(({ engine, audits }) => [engine, audits]));
    expect(shares).toMatchObject({ 'engine@host-2': 0 });
    for (const host of ['host-3', 'host-4', 'host-5']) {
      expect(shares[`engine@${host}`]).toBeGreaterThanOrEqual(5);
      expect(shares[`engine@${host}`]).toBeLessThanOrEqual(11);
    }
  });

  it('to nobody: no service alive, so it waits and says why, and goes on when one is there', async () => {
    await atHost2(['audit-a'], 'host-3');
    await stage.testing.during(stage.desk.update('audit-a', { interval: '60' }));
    const before = stage.testing.runs('audit-a').length;
    await stage.testing.kill('engine@host-2');
    await stage.testing.kill('engine@host-3');
    await stage.testing.advance('2m');
    await stage.testing.expectOwner('audit-a', null);
    expect((await stage.status()).map(({ status }) => status)).toEqual(['FAILED', 'FAILED']);
    expect((await stage.facts('audit-a', 'JobRequeued')).at(-1)).toMatchObject({ nobody: expect.stringMatching(/.+/) });
    expect(stage.testing.runs('audit-a')).toHaveLength(before);
    await stage.engines('host-4');
    await stage.testing.expectOwner('audit-a', 'engine@host-4');
    await stage.testing.advance('1s');
    expect(stage.testing.runs('audit-a').length).toBe(before + 1);
  });

  it('is written down: from whom, why, to whom', async () => {
    await atHost2(['audit-a'], 'host-3');
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('20s');
    expect(await stage.facts('audit-a', 'JobRequeued')).toMatchObject([
      { epoch: 1, fromServiceId: 'engine@host-2', cause: 'failed', nobody: null },
    ]);
    expect((await stage.facts('audit-a', 'JobBoundToService')).at(-1)).toMatchObject({
      epoch: 2,
      serviceId: 'engine@host-3',
      why: { kind: 'requeue' },
    });
  });

  it('an audit that a run was open of goes on elsewhere in the same slot', async () => {
    stage.looks.push(() => new Promise(() => undefined));
    await atHost2(['audit-a'], 'host-3');
    expect(stage.testing.runs('audit-a')).toMatchObject([{ serviceId: 'engine@host-2', outcome: 'running' }]);
    await stage.testing.kill('engine@host-2');
    await stage.testing.advance('20s');
    const [first, second] = stage.testing.runs('audit-a');
    expect(second).toMatchObject({ serviceId: 'engine@host-3', slot: first.slot, attempt: 2, outcome: 'returned' });
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
  });

  it('moves by hand too: an operator marks an engine failed, and its audits go elsewhere', async () => {
    await atHost2(['audit-a'], 'host-3');
    const services = stage.get(Services);
    await stage.testing.during(
      services.markFailed('engine@host-2', { reason: 'its rack is on fire', confirmedDead: true }),
    );
    await stage.testing.expectOwner('audit-a', 'engine@host-3', { within: '10s' });
  });
});

it('work that no engine has the code of belongs to nobody', async () => {
  const stage = await Stage.open('api');
  try {
    await stage.engines('host-2');
    await stage.testing.during(stage.get(Jobs).schedule(jobType('other-work'), null, { id: 'other' }));
    await stage.testing.advance('5s');
    await stage.testing.expectOwner('other', null);
  } finally {
    await stage.close();
  }
});
