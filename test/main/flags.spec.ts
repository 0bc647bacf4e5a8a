import { ServiceProcess } from './service-process';

describe('the flags of the stand-alone service', () => {
  const processes: ServiceProcess[] = [];
  const start = (flags: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const made = new ServiceProcess(flags, env);
    processes.push(made);
    return made;
  };
  afterEach(async () => {
    for (const one of processes.splice(0)) await one.end();
  });

  it('--help names every flag with its variable, and exits 0', async () => {
    const help = start(['--help']);
    expect(await help.ended).toEqual({ code: 0, signal: null });
    for (const words of ['--port', 'env: PORT', '--state', 'HOLDFAST_STATE', '--drain-timeout', '/health/ready']) {
      // Wherever its lines are broken.
      expect(help.out.replace(/\s+/g, ' ')).toContain(words);
    }
    expect(help.err).toBe('');
  });

  it.each([
    [['--port', 'http'], '--port'],
    [['--port', '70000'], '--port'],
    [['--role', 'boss'], '--role'],
    [['--ephemeral-host', 'maybe'], '--ephemeral-host'],
    [['--label', 'no-pair'], '--label'],
    [['--concurrency', '0'], '--concurrency'],
    [['--prot', '1'], '--prot'],
    [['--name', 'a name'], 'service.name'],
    [['--namespace', 'a-b'], 'namespace'],
  ])('refuses %j, naming %s, without a stack', async (flags, named) => {
    const refused = start(flags);
    expect((await refused.ended).code).toBeGreaterThan(0);
    expect(refused.err).toContain(named);
    expect(refused.err).not.toMatch(/^\s+at /m);
    expect(refused.out).toBe('');
  });

  it('refuses a wrong variable of the environment too', async () => {
    const refused = start([], { PORT: 'http' });
    expect((await refused.ended).code).toBeGreaterThan(0);
    expect(refused.err).toMatch(/PORT/);
  });
});
