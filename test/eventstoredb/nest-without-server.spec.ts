import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Injectable, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { JobHandler, JobOwnershipModule, Jobs, jobType, type Readiness } from '../../src';
import { SystemClock } from '../../src/clock';
import { HealthController } from '../../src/http';
import { StandIn } from './stand-in';

const clock = new SystemClock();
const Greet = jobType<{ readonly who: string }>('greet');

@Injectable()
class Greeter {
  readonly greeted: string[] = [];

  @JobHandler(Greet)
  greet({ who }: { readonly who: string }): void {
    this.greeted.push(who);
  }
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = clock.monotonic() + 15_000;
  while (!(await condition())) {
    if (clock.monotonic() > end) throw new Error(`waited in vain for ${what}`);
    await clock.sleep(20);
  }
}

describe('an application whose server of the log is not there', () => {
  let folder: string;
  let port: number;
  let app: INestApplication | null = null;
  let server: StandIn | null = null;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-nest-'));
    const once = await StandIn.start();
    ({ port } = once);
    await once.close();
  });
  afterEach(async () => {
    await app?.close();
    await server?.close();
    app = server = null;
    rmSync(folder, { recursive: true, force: true });
  });

  const bootstrap = async (): Promise<string> => {
    const ownership = JobOwnershipModule.forRoot({
      service: { name: 'host', host: 'test' },
      store: { kind: 'eventstoredb', connection: `esdb://127.0.0.1:${port}?tls=false` },
      stateDirectory: folder,
      liveness: 'tuned',
      drainTimeoutMs: 500,
    });
    @Module({ imports: [ownership], providers: [Greeter], controllers: [HealthController] })
    class AppModule {}
    app = await NestFactory.create(AppModule, new ExpressAdapter(), { abortOnError: false, logger: false });
    await app.listen(0, '127.0.0.1');
    return app.getUrl();
  };
  const get = async (url: string, path: string) => {
    const response = await fetch(`${url}/health/${path}`);
    return { status: response.status, body: (await response.json()) as Readiness };
  };

  it('is bootstrapped at once: live, not ready, with words; ready by itself when the server appears, and its jobs run', async () => {
    const begun = clock.monotonic();
    const url = await bootstrap();
    expect(clock.monotonic() - begun).toBeLessThan(4_000);
    expect((await get(url, 'live')).status).toBe(200);
    const { status, body } = await get(url, 'ready');
    expect(status).toBe(503);
    expect(body.checks.store.detail).toMatch(/^the log has not answered yet: /);
    server = await StandIn.start({ port });
    await until('readiness', async () => (await get(url, 'ready')).status === 200);
    await app!.get(Jobs).schedule(Greet, { who: 'Ada' }, { schedule: { kind: 'once', at: 'asap' } });
    await until('the greeting', () => app!.get(Greeter).greeted.length > 0);
  });

  it('can be closed while it waits', async () => {
    await bootstrap();
    const begun = clock.monotonic();
    await app!.close();
    expect(clock.monotonic() - begun).toBeLessThan(3_000);
    app = null;
    server = await StandIn.start({ port });
    await clock.sleep(1_500);
    expect(server.calls).toEqual([]);
  });
});
