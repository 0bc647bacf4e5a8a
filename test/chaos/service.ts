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
const { directory, logDirectory, serviceId, host } = orders;
const log = join(logDirectory, 'log.sqlite');
const diary = new Diary(directory, { serviceId });
const disk = new FullDisk(log);
const TICK_MS = 50;
const TICKS_PER_WORD = 4;
const NEVER = new AbortController().signal;

async function main(): Promise<void> {
  const ledger = new Ledger(join(directory, 'ledger.sqlite'));
  const service = await HoldfastService.open(
    resolveOptions({
      service: { name: 'chaos', host, id: serviceId },
      store: { kind: 'embedded', path: log },
      stateDirectory: logDirectory,
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
  const state = (): ServiceSaid => ({
    mayClaim: service.membership?.mayClaim() ?? false,
    owned: service.readModel.service(serviceId)?.ownedJobs ?? 0,
    busy: [...ends].filter(({ at }) => at > monoNow() + 1_000).length,
    conflict: service.membership?.health().state === 'identity-conflict',
    refused: disk.refused,
  });
  let [ticks, last] = [0, monoNow()];
  setInterval(() => {
    const now = monoNow();
    if (now - last - TICK_MS > LATE_MS) diary.note('late', { fromMono: last, toMono: now });
    last = now;
    if (ticks++ % TICKS_PER_WORD === 0) process.send?.(state());
  }, TICK_MS);
}

/** When the handlers of this process will have done, if nothing comes in between; of each one an object of its own. */
const ends = new Set<{ readonly at: number }>();

/**
 * Enters its token first. Some jobs ask `guard()` before they write and yield to their abort, as they should. The others write once more when they
 * are told to stop, like code that had passed its last check: of those, only the ledger stops whoever has been replaced.
 */
async function work(ledger: Ledger, { ms, guarded }: WorkPayload, context: JobContext): Promise<void> {
  const { jobId: job, slot, attempt, fencingToken: token, serviceId: service, incarnation, signal } = context;
  const entry: Entry = { job, slot, attempt, token, service, incarnation };
  const note = (fact: string) => diary.note(fact, { job, slot, attempt, token, incarnation });
  const end = { at: monoNow() + ms };
  ends.add(end);
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
    ends.delete(end);
    note('handler.left');
  }
}

main().catch((error: unknown) => {
  diary.note('died', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  console.error(error);
  process.exit(1);
});
