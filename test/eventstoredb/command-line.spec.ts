import { holdfast, objects } from '../cli/installation';
import { Installation } from './services';
import { StandIn } from './stand-in';

describe('the command line, with --log esdb://…', () => {
  let server: StandIn;
  let installation: Installation;
  const at = (...args: string[]) =>
    holdfast([...args, '--log', server.connectionString, '--namespace', installation.namespace]);

  beforeAll(async () => {
    server = await StandIn.start();
    installation = new Installation(server.connectionString);
    const a = await installation.service('a');
    await installation.schedule(a, 'job-1');
    await installation.until('a run', () => installation.ran.length > 0);
  });
  afterAll(async () => {
    await installation.close();
    await server.close();
  });

  it('reads the log while a service runs', async () => {
    const services = await at('services', '--json');
    expect([services.code, services.err]).toEqual([0, '']);
    expect(objects(services.out)).toEqual([expect.objectContaining({ serviceId: 'a@test', state: 'live' })]);
    const jobs = await at('jobs', '--json');
    expect(objects(jobs.out)).toEqual([expect.objectContaining({ serviceId: 'a@test' })]);
    expect((await holdfast(['verify', server.connectionString, '--namespace', installation.namespace])).code).toBe(0);
  });

  it('sends commands to it', async () => {
    const pause = () => at('pause', 'job-1', '--json', '--command-id', 'once');
    expect(objects((await pause()).out)).toEqual([expect.objectContaining({ added: 1 })]);
    expect(objects((await pause()).out)).toEqual([expect.objectContaining({ added: 0 })]);
  });

  it('raises its generation, and that of no other namespace', async () => {
    const restored = (namespace: string) =>
      holdfast(['restored', server.connectionString, '--namespace', namespace, '--json']);
    const { code, out } = await restored(installation.namespace);
    expect(code).toBe(0);
    expect(objects(out)).toEqual([{ log: expect.stringMatching(/./), generation: 2 }]);
    const before = server.log.records.length;
    for (const { code, err } of [await restored('mistyped'), await holdfast(['restored', server.connectionString])]) {
      expect(code).toBe(2);
      expect(err).toMatch(/no log (of namespace mistyped )?here yet/);
    }
    const pause = await holdfast(['pause', 'job-1', '--log', server.connectionString, '--namespace', 'mistyped']);
    expect([pause.code, pause.err]).toEqual([3, expect.stringMatching(/namespace mistyped/)]);
    expect(server.log.records.slice(before).filter(({ stream }) => /mistyped|^holdfast/.test(stream))).toEqual([]);
  });

  it('takes the namespace from the environment', async () => {
    process.env.HOLDFAST_NAMESPACE = installation.namespace;
    try {
      const { code, out } = await holdfast(['jobs', '--json', '--log', server.connectionString]);
      expect(code).toBe(0);
      expect(objects(out)).toEqual([expect.objectContaining({ jobId: 'job-1' })]);
    } finally {
      delete process.env.HOLDFAST_NAMESPACE;
    }
  });

  it('makes no log where there is none', async () => {
    const empty = await StandIn.start();
    const { code, err } = await holdfast(['services', '--log', empty.connectionString]);
    const streams = empty.log.readAll(false, undefined, 10).map(({ stream }) => stream);
    await empty.close();
    expect(code).toBe(3);
    expect(err).toMatch(/no log here yet/);
    expect(streams.filter((stream) => !stream.startsWith('$'))).toEqual([]);
  });

  it('says that a server cannot be reached, without the password', async () => {
    const { code, err } = await holdfast(['services', '--log', 'esdb://admin:s3cr3t@127.0.0.1:1?tls=false']);
    expect(code).toBe(3);
    expect(err).toMatch(/esdb:\/\/admin:\*\*\*@127\.0\.0\.1:1/);
    expect(err).not.toContain('s3cr3t');
  });

  it('refuses a connection string that breaks a rule, without repeating it', async () => {
    const { code, err } = await holdfast(['services', '--log', 'esdb://admin:s3cr3t@127.0.0.1:1?tsl=false']);
    expect(code).toBe(2);
    expect(err).toMatch(/option that is not known/);
    expect(err).not.toContain('s3cr3t');
  });
});
