import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock, SystemRandom } from '../../src/clock';
import { CommandUnavailableError, jobType } from '../../src/commands';
import type { LogFields, Logger } from '../../src/logging';
import { ViewNotComparedError } from '../../src/read-model';
import { HoldfastService, resolveOptions, type HoldfastOptions } from '../../src/runtime';
import { ShiftedClock } from './bare';
import { openLog } from './log-of-its-own';
import { StandIn, type StandInOptions } from './stand-in';

const clock = new SystemClock();
const random = new SystemRandom();
const Audit = jobType<{ readonly goal: string }>('audit');
const GENERATION = 2 ** 44;

class Facts implements Logger {
  readonly facts: { readonly fact: string; readonly fields: LogFields }[] = [];
  debug(): void {}
  info = (fact: string, fields: LogFields = {}) => void this.facts.push({ fact, fields });
  warn = (fact: string, fields: LogFields = {}) => void this.facts.push({ fact, fields });
  error = (fact: string, fields: LogFields = {}) => void this.facts.push({ fact, fields });
  child(): Logger {
    return this;
  }
  of(name: string): readonly LogFields[] {
    return this.facts.filter(({ fact }) => fact === name).map(({ fields }) => fields);
  }
}

async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = clock.monotonic() + ms;
  while (!(await condition())) {
    if (clock.monotonic() > end) throw new Error(`waited in vain for ${what}`);
    await clock.sleep(10);
  }
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const begun = clock.monotonic();
  await work();
  return clock.monotonic() - begun;
}

describe('a service whose server is not there', () => {
  let folder: string;
  let logger: Facts;
  let port: number;
  let server: StandIn | null;
  const open: { close(): Promise<unknown> }[] = [];
  const tokens: number[] = [];

  /** The server of this test, at the port that services were told. */
  const startServer = async (more: StandInOptions = {}) => (server = await StandIn.start({ port, ...more }));
  const service = async (more: Partial<HoldfastOptions> = {}): Promise<HoldfastService> => {
    const options = resolveOptions({
      service: { name: 'a', host: 'test' },
      store: { kind: 'eventstoredb', connection: `esdb://127.0.0.1:${port}?tls=false` },
      stateDirectory: folder,
      liveness: 'tuned',
      drainTimeoutMs: 500,
      ...more,
    });
    const made = await HoldfastService.open(options, { clock, logger });
    made.handlers.register({ name: 'audit', run: (_payload, { fencingToken }) => void tokens.push(fencingToken) });
    open.push(made);
    return made;
  };
  const schedule = (by: HoldfastService, id: string) =>
    by.jobs.schedule(Audit, { goal: 'x' }, { id, schedule: { kind: 'interval', every: 100 } });
  const ready = (one: HoldfastService) => until('it is ready', async () => (await one.readiness()).ready);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-absent-'));
    logger = new Facts();
    tokens.length = 0;
    // A port that is free: nobody listens at it until the test starts its server.
    const once = await StandIn.start();
    ({ port } = once);
    await once.close();
    server = null;
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is there at once, says what it waits for, and does everything by itself when the server appears', async () => {
    let a!: HoldfastService;
    expect(await took(async () => void (a = await service()))).toBeLessThan(1_500);
    expect(await took(() => a.start())).toBeLessThan(2_500);
    const { ready: isReady, checks } = await a.readiness();
    expect(isReady).toBe(false);
    expect(checks.store).toEqual({
      ok: false,
      detail: expect.stringMatching(/^the log has not answered yet: .*127\.0\.0\.1/),
    });
    expect(checks.view).toEqual({ ok: false, detail: expect.stringMatching(/waits for the log/) });
    expect(checks.trust).toEqual({ ok: false, detail: expect.stringMatching(/waits for the log/) });
    expect(a.membership).toBeNull();
    await startServer();
    await ready(a);
    await schedule(a, 'job-1');
    await until('runs', () => tokens.length >= 3);
    expect(logger.of('service.found-log')).toEqual([expect.objectContaining({ afterMs: expect.any(Number) })]);
  });

  it('refuses commands as certainly not written, after their time-out, and queries at once', async () => {
    const a = await service({ commandTimeoutMs: 300 });
    await a.start();
    const ms = await took(() => expect(schedule(a, 'job-1')).rejects.toThrow(CommandUnavailableError));
    expect(ms).toBeGreaterThanOrEqual(290);
    expect(ms).toBeLessThan(2_000);
    await expect(a.queries.job('job-1')).rejects.toThrow(ViewNotComparedError);
    await expect(a.queries.services()).rejects.toThrow(/Ask again when the log answers/);
    await startServer();
    await ready(a);
    expect(await a.queries.job('job-1')).toBeNull();
    expect([...server!.log.readAll(false, undefined, 1_000)].filter(({ stream }) => stream.startsWith('job-'))).toEqual(
      [],
    );
  });

  it('takes a command that is given while it waits, when the server appears in time', async () => {
    const a = await service();
    await a.start();
    const scheduled = schedule(a, 'job-1');
    await startServer();
    expect(await scheduled).toMatchObject({ id: 'job-1', added: 1 });
    await until('runs', () => tokens.length > 0);
  });

  it('tells of it twice a minute, not with every try', async () => {
    const a = await service();
    await a.start();
    await until('three tries', () => a.readiness().then(() => logger.facts.length > 0));
    await clock.sleep(3_500);
    expect(logger.of('service.waits-for-log')).toEqual([
      expect.objectContaining({ log: `esdb://127.0.0.1:${port}?tls=false`, remedy: expect.stringMatching(/\S/) }),
    ]);
    expect(logger.of('log.unreachable')).toHaveLength(1);
  });

  it('ends within its bound while it waits, and nothing of it comes when the server appears', async () => {
    const [a, b] = [await service(), await service({ service: { name: 'b', host: 'test' } })];
    await a.start();
    expect(await took(() => a.close())).toBeLessThan(3_000);
    expect(await took(() => b.close())).toBeLessThan(3_000);
    await startServer();
    await clock.sleep(1_500);
    expect(server!.calls).toEqual([]);
    await expect(a.queries.job('job-1')).rejects.toThrow(/closed/);
  });

  it('gives fencing tokens of the generation that the log has, though it was not there at the start', async () => {
    await startServer();
    const store = await openLog(server!.connectionString, '');
    await store.raiseGeneration();
    await store.close();
    const { log } = server!;
    await server!.close();
    const a = await service();
    await a.start();
    await startServer({ log });
    await ready(a);
    await schedule(a, 'job-1');
    await until('a run', () => tokens.length > 0);
    expect(Math.floor(tokens[0] / GENERATION)).toBe(2);
  });

  it('shows a view of before again only when it was compared, and nothing of one that is of another log', async () => {
    await startServer();
    const before = await service();
    await before.start();
    await ready(before);
    await schedule(before, 'job-1');
    await until('the view', () => before.readModel.job('job-1') !== null);
    await before.close();
    const { log } = server!;
    await server!.close();

    const same = await service();
    await same.start();
    await expect(same.queries.job('job-1')).rejects.toThrow(ViewNotComparedError);
    await startServer({ log });
    await ready(same);
    expect(await same.queries.job('job-1')).toMatchObject({ jobId: 'job-1' });
    expect(logger.of('view.rebuilding').length).toBe(1);
    await same.close();
    await server!.close();

    const other = await service();
    await other.start();
    await startServer();
    await ready(other);
    expect(await other.queries.job('job-1')).toBeNull();
    expect(logger.of('view.rebuilding').at(-1)).toMatchObject({ reason: 'it is of another log' });
  });

  it('that is a web-only replica waits in the same way', async () => {
    const a = await service({ role: 'web-only', commandTimeoutMs: 300 });
    await a.start();
    expect((await a.readiness()).checks.trust.ok).toBe(true);
    expect((await a.readiness()).ready).toBe(false);
    await expect(schedule(a, 'job-1')).rejects.toThrow(CommandUnavailableError);
    await startServer();
    await ready(a);
    expect(await schedule(a, 'job-1')).toMatchObject({ added: 1 });
  });

  it('with onIdentityConflict "throw" is not kept waiting, and says it loudly when it turns out later', async () => {
    await startServer();
    const first = await service();
    await first.start();
    await ready(first);
    await expect((await service({ onIdentityConflict: 'throw' })).start()).rejects.toThrow(/bear the id a@test/);
    server!.faults.freeze();
    const waiting = await service({ onIdentityConflict: 'throw' });
    expect(await took(() => waiting.start())).toBeLessThan(4_000);
    server!.faults.thaw();
    await until('the words', () =>
      logger.of('service.start-failed').some(({ error }) => /bear the id a@test/.test(String(error))),
    );
    expect((await waiting.readiness()).ready).toBe(false);
  });

  describe('where somebody takes the connection and says nothing', () => {
    let silent: Server;
    const sockets: Socket[] = [];
    beforeEach(async () => {
      silent = createServer((socket) => sockets.push(socket.on('error', () => undefined)));
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      ({ port } = silent.address() as AddressInfo);
    });
    afterEach(async () => {
      for (const socket of sockets.splice(0)) socket.destroy();
      await new Promise((resolve) => silent.close(resolve));
    });

    it('is there at once too, and ends within its bound', async () => {
      let a!: HoldfastService;
      expect(await took(async () => void (a = await service()))).toBeLessThan(1_500);
      expect(await took(() => a.start())).toBeLessThan(3_500);
      await until('a connection', () => sockets.length > 0);
      expect((await a.readiness()).checks.store.ok).toBe(false);
      expect(await took(() => a.close())).toBeLessThan(5_000);
    });
  });
});

describe('a service whose server refuses', () => {
  let folder: string;
  let logger: Facts;
  let server: StandIn;
  let a: HoldfastService | null;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-refused-'));
    logger = new Facts();
    server = await StandIn.start();
    a = null;
  });
  afterEach(async () => {
    await a?.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const start = async () => {
    const options = resolveOptions({
      service: { name: 'a', host: 'test' },
      store: { kind: 'eventstoredb', connection: server.connectionString },
      stateDirectory: folder,
      liveness: 'tuned',
    });
    a = await HoldfastService.open(options, { clock, logger });
    await a.start();
    return a;
  };

  it('to let it read $all: stays up, not ready, says it as an error with the remedy, and begins when it may', async () => {
    const denied = server.faults.onRead(
      { kind: 'access-denied' },
      { times: Infinity, stream: (name) => name === '$all' },
    );
    const one = await start();
    expect(await one.whenUnusable()).toMatchObject({ name: 'StoreUnusableError', code: 'access-denied' });
    const { ready, checks } = await one.readiness();
    expect(ready).toBe(false);
    expect(checks.store.detail).toMatch(/cannot be used: .*denies access/);
    expect(logger.of('service.log-unusable')).toEqual([
      expect.objectContaining({ remedy: expect.stringMatching(/\$all.*\$admins/) }),
    ]);
    denied.clear();
    await until('it is ready', async () => (await one.readiness()).ready);
  });

  it('because it does not know the user: says which remedy it is', async () => {
    server.faults.onRead({ kind: 'unauthenticated' }, { times: Infinity });
    const one = await start();
    expect(await one.whenUnusable()).toMatchObject({
      code: 'access-denied',
      remedy: expect.stringMatching(/Check user and password/),
    });
  });

  it('only while it is starting itself: is not said to be unusable', async () => {
    server.faults.onRead({ kind: 'access-denied' }, { times: 2 });
    const one = await start();
    await until('it is ready', async () => (await one.readiness()).ready);
    expect(logger.of('service.log-unusable')).toEqual([]);
  });

  it('because something else lies where the identity should', async () => {
    const json = (text: string) => Buffer.from(text);
    const proposal = {
      id: random.uuid(clock.wall()),
      type: 'Noise',
      json: true,
      data: json('{"id":7}'),
      metadata: json('{}'),
    };
    server.log.append('holdfast_log-identity', 'any', [proposal]);
    const one = await start();
    expect(await one.whenUnusable()).toMatchObject({ code: 'foreign' });
    expect((await one.readiness()).checks.store.detail).toMatch(/holds something else than the identity/);
  });
});

describe('a web-only replica', () => {
  it.each([
    ['ahead of', 60_000],
    ['behind', -60_000],
    ['with', 0],
  ])("is told at its start when the store's clock is %s its own", async (_where, byMs) => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-clock-'));
    const logger = new Facts();
    const shifted = new ShiftedClock();
    shifted.ahead = byMs;
    const server = await StandIn.start({ clock: shifted });
    const at = (name: string, role: 'worker' | 'web-only', to?: Logger) =>
      HoldfastService.open(
        resolveOptions({
          service: { name, host: 'test' },
          store: { kind: 'eventstoredb', connection: server.connectionString },
          ...{ role, stateDirectory: folder, liveness: 'tuned' },
        }),
        { clock, logger: to },
      );
    const [worker, web] = [await at('a', 'worker'), await at('web', 'web-only', logger)];
    try {
      await Promise.all([worker.start(), web.start()]);
      if (byMs === 0) {
        await until('it is ready', async () => (await web.readiness()).ready);
        await clock.sleep(2_500);
        expect(logger.of('clock.differs')).toEqual([]);
        return;
      }
      await until('the words', () => logger.of('clock.differs').length > 0);
      const [{ byMs: told }] = logger.of('clock.differs');
      expect(Math.abs(Number(told) - byMs)).toBeLessThan(5_000);
    } finally {
      await Promise.all([worker.close(), web.close()]);
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
