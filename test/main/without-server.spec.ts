import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StandIn } from '../eventstoredb/stand-in';
import { ServiceProcess } from './service-process';

describe('the stand-alone service with --store, and its server', () => {
  let folder: string;
  let server: StandIn;
  let running: ServiceProcess | null = null;
  const start = (connection: string) => {
    const flags = ['--state', folder, '--port', '0', '--liveness', 'tuned', '--drain-timeout', '500', '--host', 'test'];
    return (running = new ServiceProcess(flags, { HOLDFAST_EVENTSTOREDB_URL: connection }));
  };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-without-'));
    server = await StandIn.start();
  });
  afterEach(async () => {
    await running?.end();
    running = null;
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('not there yet: is live and not ready, ends on SIGTERM within its bound', async () => {
    const { connectionString } = server;
    await server.close();
    const service = start(connectionString);
    expect((await service.get('/health/live')).status).toBe(200);
    const { status, body } = await service.get('/health/ready');
    expect(status).toBe(503);
    expect(body.checks.store.detail).toMatch(/the log has not answered yet/);
    const { took, code, signal } = await service.stop();
    expect(code === 0 || signal === 'SIGTERM').toBe(true);
    expect(took).toBeLessThan(4_000);
    expect(service.err).toBe('');
  });

  it('appearing later: becomes ready by itself', async () => {
    const { connectionString, port } = server;
    await server.close();
    const service = start(connectionString);
    await service.readiness('it to wait', (status) => status === 503);
    server = await StandIn.start({ port });
    await service.readiness('readiness', (status) => status === 200);
    await service.until('the registration', () => service.fact('service.registered') !== undefined);
  });

  it('refusing it for good: exits 1, with the remedy, and no stack', async () => {
    server.faults.onRead({ kind: 'access-denied' }, { times: Infinity });
    const service = start(server.connectionString.replace('esdb://', 'esdb://user:s3cr3t@'));
    expect(await service.ended).toEqual({ code: 1, signal: null });
    expect(service.err).toMatch(/denies access.*\$admins/);
    expect(service.err).not.toMatch(/^\s+at /m);
    expect(service.err + service.out).not.toContain('s3cr3t');
  });
});
