import { SystemClock, SystemRandom, type Clock, type Random } from '../clock';
import { StoreUnavailableError, type EventStore } from '../event-store';
import { silentLogger, type Logger } from '../logging';
import type { Processes } from '../membership';
import type { SqliteReadModel } from '../read-model';
import type { HandlerDefinition } from '../worker';
import { LogAcquaintance } from './acquaintance';
import { nameOfLog, openStore } from './open-store';
import { openView } from './open-view';
import type { ResolvedOptions } from './options';
import { makeStateDirectory } from './state-directory';

/** What may be put in the place of the machine's own: a test's clock, a seeded randomness, a log of one's own. */
export interface RuntimePorts {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** `process.versions.tz` by default. */
  readonly zoneData?: string;
  /** Takes the place of the log that the options name. The view is in memory then, no directory is made, and the store is not closed. */
  readonly store?: EventStore;
  /** What stands between the worker and a handler: for tests that observe, delay or break it. Asked once per registered handler. */
  readonly aroundHandler?: (handler: HandlerDefinition) => HandlerDefinition;
  /** What this process can say of itself, and prove of a former one of its service id. Default: by the machine's own means. */
  readonly processes?: Processes;
}

/** Those that a service goes on with. */
export type OwnPorts = Required<Pick<RuntimePorts, 'clock' | 'random' | 'logger' | 'zoneData'>> &
  Pick<RuntimePorts, 'processes'>;

/** What a service is composed from, opened. */
export interface Opened {
  readonly options: ResolvedOptions;
  readonly ports: OwnPorts;
  readonly store: EventStore;
  readonly log: LogAcquaintance;
  readonly view: SqliteReadModel;
}

/** How long an adapter of the host's own is waited for, ms. */
const ADAPTER_PATIENCE_MS = 1_000;

/**
 * Opens the log and the view's file, and begins to make the acquaintance of the log. Waits for nothing: a server that does not answer is asked in
 * the background. What can be known without one is refused here.
 * @throws StoreUnusableError the log or the view cannot be used as it is; ViewLockedError.
 */
export async function openParts(asked: ResolvedOptions, given: RuntimePorts): Promise<Opened> {
  const options: ResolvedOptions = given.store ? { ...asked, store: { kind: 'adapter', store: given.store } } : asked;
  const ports: OwnPorts = {
    clock: given.clock ?? new SystemClock(),
    random: given.random ?? new SystemRandom(),
    logger: (given.logger ?? silentLogger).child({ serviceId: options.serviceId }),
    zoneData: given.zoneData ?? process.versions.tz ?? 'unknown',
    processes: given.processes,
  };
  const { clock, random, logger } = ports;
  const { namespace } = options;
  const inMemory = options.store.kind === 'memory' || given.store !== undefined;
  if (!inMemory) makeStateDirectory(options.stateDirectory);
  const store = await openStore(options, ports);
  const log = new LogAcquaintance(store, ports, nameOfLog(options));
  try {
    const compare = await isThere(options, log, clock);
    const view = await openView(
      options,
      { inMemory, compare },
      {
        ...{ store, clock, random, namespace, logger },
        // A log that went back is of another generation, also for a process that had seen nothing of what is lost.
        identified: (identity) => log.is(identity),
      },
    );
    if (!compare) log.begin();
    return { options, ports, store, log, view };
  } catch (error) {
    log.close();
    if (options.store.kind !== 'adapter') await store.close();
    throw error;
  }
}

/** Whether the log is there to be compared with. A server is looked for in the background; what is in this process, or in a file, is there. */
async function isThere({ store }: ResolvedOptions, log: LogAcquaintance, clock: Clock): Promise<boolean> {
  if (store.kind === 'eventstoredb') return false;
  if (store.kind !== 'adapter') return (await log.ask()) !== null;
  const asked = log.ask().then(
    () => true,
    (error: unknown) => {
      if (error instanceof StoreUnavailableError) return false;
      throw error;
    },
  );
  asked.catch(() => undefined);
  const patience = new AbortController();
  try {
    return await Promise.race([asked, clock.sleep(ADAPTER_PATIENCE_MS, patience.signal).then(() => false)]);
  } finally {
    patience.abort();
  }
}
