import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../../src/clock';
import { jobType } from '../../src/commands';
import type { EventStore } from '../../src/event-store';
import { verifyLog } from '../../src/audit';
import { HoldfastService, resolveOptions, type StoreOptions } from '../../src/runtime';
import { freshNamespace, openLog } from './log-of-its-own';

const clock = new SystemClock();
const Audit = jobType<{ goal: string }>('audit');

/** Services on one server, in one process; each has a view of its own. */
export class Installation {
  readonly namespace = freshNamespace();
  readonly ran: string[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-esdb-'));
  private readonly services: HoldfastService[] = [];
  private readonly stores: EventStore[] = [];

  constructor(private readonly connection: string) {}

  service(name: string): Promise<HoldfastService> {
    return this.start(name, { kind: 'eventstoredb', connection: this.connection });
  }

  /** A service that can be cut off from the log for good, without a word: to the others it has died. */
  async mortal(name: string): Promise<{ readonly service: HoldfastService; readonly die: () => Promise<void> }> {
    const store = await openLog(this.connection, this.namespace, { names: 'full' });
    this.stores.push(store);
    return { service: await this.start(name, { kind: 'adapter', store }), die: () => store.close() };
  }

  private async start(name: string, store: StoreOptions): Promise<HoldfastService> {
    const service = await HoldfastService.open(
      resolveOptions({
        service: { name, host: 'test' },
        store,
        namespace: this.namespace,
        stateDirectory: this.folder,
        liveness: 'tuned',
        drainTimeoutMs: 500,
      }),
      { clock },
    );
    this.services.push(service);
    service.handlers.register({ name: 'audit', run: (_payload, context) => this.ran.push(context.serviceId) });
    await service.start();
    await this.until(`${name} is ready`, () => service.membership?.mayClaim() ?? false);
    return service;
  }

  async schedule(by: HoldfastService, jobId: string): Promise<void> {
    await by.jobs.schedule(Audit, { goal: 'x' }, { id: jobId, schedule: { kind: 'interval', every: 100 } });
  }

  async until(what: string, condition: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
    const begun = clock.monotonic();
    while (!(await condition())) {
      if (clock.monotonic() - begun > ms) throw new Error(`waited in vain for ${what}`);
      await clock.sleep(10);
    }
  }

  /** What in its part of the log breaks a rule; services may go on. */
  async violations(): Promise<readonly unknown[]> {
    const store = await openLog(this.connection, this.namespace, { names: 'full', readOnly: true });
    this.stores.push(store);
    return (await verifyLog(store, { namespace: this.namespace })).violations;
  }

  async close(): Promise<void> {
    await Promise.all(this.services.splice(0).map((service) => service.close()));
    await Promise.all(this.stores.splice(0).map((store) => store.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The main job, against any server: three services, of which one dies in the midst of it. */
export async function failover(installation: Installation): Promise<void> {
  const a = await installation.mortal('a');
  const [b, c] = [await installation.service('b'), await installation.service('c')];
  const jobs = Array.from({ length: 12 }, (_, n) => `job-${n}`);
  for (const job of jobs) await installation.schedule(b, job);
  const owners = () => jobs.map((job) => b.readModel.job(job)?.serviceId);
  await installation.until('an owner for each', () => owners().every((owner) => typeof owner === 'string'));
  await installation.until('runs everywhere', () => new Set(installation.ran).size === 3);
  await a.die();
  await installation.until('the survivors own all', () => owners().every((owner) => /^[bc]@test$/.test(owner ?? '')));
  const from = installation.ran.length;
  await installation.until('they run', () => {
    const since = installation.ran.slice(from);
    return since.length >= 36 && since.every((by) => by !== 'a@test');
  });
  await installation.until('the verdict', () => c.readModel.service('a@test')?.ownedJobs === 0);
  const violations = await installation.violations();
  if (violations.length > 0) throw new Error(`the log breaks a rule: ${JSON.stringify(violations.slice(0, 5))}`);
}
