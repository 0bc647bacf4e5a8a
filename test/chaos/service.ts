import { join } from 'node:path';
import { HoldfastService, resolveOptions, type JobContext } from 'holdfast';
import { lasted } from '../processes/lasted';
import { ordersOfThisProcess } from '../processes/member';
import { Diary, monoNow } from './diary';
import { FullDisk } from './full-disk';
import { Ledger, type Entry } from './ledger';
import { LATE_MS, type ServiceOrders, type ServiceSaid, type ServiceTold, type WorkPayload } from './service-orders';

/** One service of the chaos, a process of its own on the embedded log. What it knows it writes into its diary. */
const orders = ordersOfThisProcess<ServiceOrders>();
const { directory, serviceId, host } = orders;
const log = join(directory, 'log.sqlite');
const diary = new Diary(directory, { serviceId });
const disk = new FullDisk(log);
const TICK_MS = 50;
const NEVER = new AbortController().signal;

async function main(): Promise<void> {
  const ledger = new Ledger(join(directory, 'ledger.sqlite'));
  const service = await HoldfastService.open(
    resolveOptions({
      service: { name: 'chaos', host, id: serviceId },
      store: { kind: 'embedded', path: log },
      stateDirectory: directory,
      liveness: orders.profile,
      capacity: { maxConcurrentRuns: 200 },
      drainTimeoutMs: orders.drainTimeoutMs,
      homeAfterMs: 5_000,
      // The jobs are innocent: here it is the services that die in them again and again.
      quarantine: { crashes: 16 },
    }),
    { logger: diary },
  );
  service.handlers.register({
    name: 'work',
    run: (payload, context) => work(ledger, payload as unknown as WorkPayload, context),
  });
  const end = () => void service.close().then(() => process.exit(0));
  process.on('SIGTERM', end);
  process.on('disconnect', () => process.exit(1));
  process.on('message', (told: ServiceTold) => {
    if (told.kind === 'full') {
      const refused = disk.set(told.full);
      diary.note(told.full ? 'disk.full' : 'disk.has-room', { refused });
    }
    if (told.kind === 'stall') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, told.ms);
  });
  await service.start();
  const say = (said: ServiceSaid) => void process.send?.(said);
  let [ready, conflict, last] = [false, false, monoNow()];
  setInterval(() => {
    const now = monoNow();
    if (now - last - TICK_MS > LATE_MS) diary.note('late', { fromMono: last, toMono: now });
    last = now;
    const mayClaim = service.membership?.mayClaim() ?? false;
    if (mayClaim !== ready) say({ kind: mayClaim ? 'ready' : 'not-ready' });
    ready = mayClaim;
    const taken = service.membership?.health().state === 'identity-conflict';
    if (taken && !conflict) say({ kind: 'conflict' });
    conflict = taken;
  }, TICK_MS);
}

/**
 * Enters its token first. Some jobs ask `guard()` before they write and yield to their abort, as they should. The others write once more when they
 * are told to stop, like code that had passed its last check: of those, only the ledger stops whoever has been replaced.
 */
async function work(ledger: Ledger, { ms, guarded }: WorkPayload, context: JobContext): Promise<void> {
  const { jobId: job, slot, attempt, fencingToken: token, serviceId: service, incarnation, signal } = context;
  const entry: Entry = { job, slot, attempt, token, service, incarnation };
  const note = (fact: string) => diary.note(fact, { job, slot, attempt, token, incarnation });
  note('handler.entered');
  signal.addEventListener('abort', () => note('handler.aborted'), { once: true });
  try {
    await ledger.write('enter', entry, signal);
    for (const kind of ['effect', 'finish'] as const) {
      if (!(await lasted(ms / 2, signal))) throw signal.reason;
      if (guarded) await context.guard();
      await ledger.write(kind, entry, signal);
    }
  } catch (error) {
    if (signal.aborted && !guarded) await ledger.write('late', entry, NEVER);
    throw error;
  } finally {
    note('handler.left');
  }
}

main().catch((error: unknown) => {
  diary.note('died', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  console.error(error);
  process.exit(1);
});
