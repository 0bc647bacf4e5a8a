import { eventStoreContract } from '../../src/testing';
import { logsOn } from './log-of-its-own';
import { failoverOfProcesses } from './failover';
import { failover, Installation } from './services';
import { faultsWithoutProxy } from './without-proxy';

/**
 * The contract against the server that HOLDFAST_EVENTSTOREDB_URL names (`npm run test:eventstoredb`). Every case has a log of its own, of a
 * namespace that no run had before, so that it works beside other data.
 */
const url = process.env.HOLDFAST_EVENTSTOREDB_URL ?? '';

describe('the store of EventStoreDB, against a server, keeps the contract:', () => {
  for (const { name, run } of eventStoreContract(logsOn(() => url))) it(name, run);
});

describe('the store of EventStoreDB, against a server, when others meddle with its log or nobody keeps up:', () => {
  for (const { name, run } of faultsWithoutProxy(() => url)) it(name, run);
});

describe('services on a log in EventStoreDB, on a server', () => {
  let installation: Installation;
  beforeEach(() => (installation = new Installation(url)));
  afterEach(() => installation.close());

  it('take over the jobs of one that has died', () => failover(installation));

  it('as processes: one is killed, its jobs move and run on, it comes back; the log breaks no rule', async () => {
    const { report, moved } = await failoverOfProcesses(url);
    expect(report.violations).toEqual([]);
    expect(report.unreadableCount).toBe(0);
    expect(report.jobs).toBe(30);
    expect(moved).toBeGreaterThan(0);
  }, 180_000);

  it('schedule, bind and run; hand over on a drain', async () => {
    const a = await installation.service('a');
    await installation.schedule(a, 'job-1');
    await installation.until('runs on a', () => installation.ran.length >= 3);
    const b = await installation.service('b');
    expect(await a.close()).toEqual([]);
    await installation.until('a run on b', () => installation.ran.includes('b@test'));
    await installation.until('the view of b', () => b.readModel.job('job-1')?.serviceId === 'b@test');
    expect(b.readModel.job('job-1')?.epoch).toBe(2);
  });
});
