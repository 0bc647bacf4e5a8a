import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceProcess } from './service-process';

describe('the stand-alone service', () => {
  let folder: string;
  const processes: ServiceProcess[] = [];
  const start = (flags: readonly string[]) => {
    const made = new ServiceProcess(flags);
    processes.push(made);
    return made;
  };
  const service = (...flags: string[]) =>
    start(['--state', folder, '--port', '0', '--liveness', 'tuned', '--drain-timeout', '1000', ...flags]);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-service-'));
  });
  afterEach(async () => {
    for (const one of processes.splice(0)) await one.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it('says in words that a file is no log, and exits 1', async () => {
    const path = join(folder, 'notes.txt');
    writeFileSync(path, 'These are notes, and not a log. '.repeat(200));
    const refused = service('--log', path);
    expect(await refused.ended).toEqual({ code: 1, signal: null });
    expect(refused.err).toContain(path);
    expect(refused.err + refused.out).not.toMatch(/\bat .*:\d+:\d+/);
  });

  it('says that its port is taken, with the remedy', async () => {
    const first = service('--name', 'first', '--role', 'web-only');
    const { port } = new URL(await first.listening());
    const second = service('--name', 'second', '--role', 'web-only', '--port', port);
    expect((await second.ended).code).toBe(1);
    expect(second.err).toMatch(new RegExp(`${port}.*--port`));
    expect(second.err).not.toMatch(/^\s+at /m);
  });

  it('is live at once, ready after its registration, prints one JSON object per line, and drains on SIGTERM within the bound', async () => {
    const running = service('--name', 'one', '--host', 'test');
    expect(await running.get('/health/live')).toEqual({ status: 200, body: { status: 'ok', serviceId: 'one@test' } });
    const ready = await running.readiness('readiness', (status) => status === 200);
    expect(ready).toMatchObject({ ready: true, serviceId: 'one@test', role: 'worker' });
    expect(Object.values(ready.checks).map(({ ok }) => ok)).toEqual([true, true, true]);
    await running.until('the registration in words', () => running.fact('service.registered') !== undefined);
    const { code, signal, took } = await running.stop();
    expect(code === 0 || signal === 'SIGTERM').toBe(true);
    expect(took).toBeLessThan(8_000);
    expect(running.fact('service.closed')).toMatchObject({ leftovers: 0 });
    expect(running.lines().length).toBeGreaterThan(3);
    expect(running.err).toBe('');
  });

  it('a second process with one id is not ready and names both; SIGTERM ends it, and the first goes on', async () => {
    const first = service('--id', 'twin');
    await first.readiness('the first', (status) => status === 200);
    const second = service('--id', 'twin');
    const refused = await second.readiness('the words for it', (status, { checks }) => {
      return status === 503 && [first, second].every(({ pid }) => checks.trust.detail.includes(String(pid)));
    });
    expect(refused.checks.store.ok).toBe(true);
    expect(refused.checks.trust.detail).toContain('twin');
    const { took } = await second.stop();
    expect(took).toBeLessThan(5_000);
    expect((await first.get('/health/ready')).status).toBe(200);
  });
});
