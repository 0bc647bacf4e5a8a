import { failover, Installation } from './services';
import { StandIn } from './stand-in';

describe('services on a log in EventStoreDB', () => {
  let server: StandIn;
  let installation: Installation;
  beforeEach(async () => {
    server = await StandIn.start();
    installation = new Installation(server.connectionString);
  });
  afterEach(async () => {
    server.faults.thaw();
    await installation.close();
    await server.close();
  });

  it('schedule, bind and run; hand over on a drain, and catch up from where the view was', async () => {
    const a = await installation.service('a');
    await installation.schedule(a, 'job-1');
    await installation.until('runs on a', () => installation.ran.length >= 3);
    expect((await a.readiness()).ready).toBe(true);
    const b = await installation.service('b');
    expect(await a.close()).toEqual([]);
    await installation.until('a run on b', () => installation.ran.includes('b@test'));
    await installation.until('the view of b', () => b.readModel.job('job-1')?.serviceId === 'b@test');
    expect(b.readModel.job('job-1')?.epoch).toBe(2);
    const again = await installation.service('a');
    await installation.until('the view of a', () => again.readModel.job('job-1')?.serviceId === 'b@test');
  });

  it('take over the jobs of one that has died', () => failover(installation));

  it('fence while the server is frozen, and return by themselves; nobody is failed for the outage', async () => {
    const a = await installation.service('a');
    const b = await installation.service('b');
    await installation.schedule(a, 'job-1');
    await installation.until('runs', () => installation.ran.length >= 3);
    server.faults.freeze();
    const fenced = () => [a, b].every(({ membership }) => membership?.trust.check() !== null);
    await installation.until('both are fenced', fenced);
    const before = installation.ran.length;
    expect((await a.readiness()).ready).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(installation.ran.length).toBe(before);
    server.faults.thaw();
    await installation.until('both are back', () => [a, b].every(({ membership }) => membership?.mayClaim() ?? false));
    await installation.until('more runs', () => installation.ran.length >= before + 3);
    const facts = [...server.log.readAll(false, undefined, 100_000)].map(({ type }) => type);
    expect(facts).not.toContain('ServiceMarkedFailed');
    expect(facts.filter((type) => type === 'ServiceReasserted').length).toBeGreaterThan(0);
  });

  it('wait for a server that is started after them', async () => {
    const { port, log } = server;
    await server.close();
    const waiting = installation.service('a');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    server = await StandIn.start({ port, log });
    const a = await waiting;
    await installation.schedule(a, 'job-1');
    await installation.until('runs', () => installation.ran.length >= 2);
  });
});
