import { HoldfastService, resolveOptions, type JobContext } from 'holdfast';
import { lasted } from './lasted';
import type { Said, ServiceOrders } from './fleet';
import { ordersOfThisProcess } from './member';

/**
 * One service as a process of its own, told what it is by HOLDFAST_ORDERS; tells its parent of every run and of its trust.
 * Handlers: `work` lasts `payload.ms` and yields to its abort.
 */
const orders = ordersOfThisProcess<ServiceOrders>();
const say = (said: Said) => void process.send?.(said);

async function main(): Promise<void> {
  const service = await HoldfastService.open(
    resolveOptions({
      service: { name: orders.name, host: 'test' },
      store: { kind: 'eventstoredb', connection: orders.connection },
      namespace: orders.namespace,
      stateDirectory: orders.stateDirectory,
      liveness: orders.liveness,
      capacity: { maxConcurrentRuns: 2_000 },
      drainTimeoutMs: 3_000,
    }),
  );
  service.handlers.register({
    name: 'work',
    run: async (payload, { jobId, slot, attempt, signal }: JobContext) => {
      const run = { jobId, slot, attempt };
      say({ kind: 'run', ...run });
      const { ms } = payload as { ms: number };
      const ended = ms === 0 || (await lasted(ms, signal));
      say({ kind: ended ? 'done' : 'aborted', ...run });
      if (!ended) throw signal.reason;
    },
  });
  process.on('message', (asked: { close?: boolean }) => {
    if (asked.close) void service.close().then(() => process.exit(0));
  });
  process.on('disconnect', () => process.exit(1));
  await service.start();
  const { membership } = service;
  membership?.trust.onFence(({ reason }) => say({ kind: 'fence', reason }));
  membership?.trust.onTrust(({ returned }) => say({ kind: 'trust', returned }));
  for (let ready = false; ;) {
    const now = membership?.mayClaim() ?? false;
    if (now !== ready) say({ kind: now ? 'ready' : 'not-ready' });
    ready = now;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
