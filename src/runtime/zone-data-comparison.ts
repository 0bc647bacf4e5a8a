import type { Clock } from '../clock';
import { isTerminal } from '../domain/service';
import type { Logger } from '../logging';
import type { SqliteReadModel } from '../read-model';
import type { ZoneDataHealth } from './health';

/** Between two looks; the first is soon after the start, when those that live are known. */
const FIRST_MS = 5_000;
const LOOK_MS = 60_000;
/** The same difference is told again after this long. */
const TELL_EVERY_MS = 3_600_000;

/**
 * The zone data of this process against that of the other living services. Each slot is computed by its decider and then a fact, so a
 * difference changes no history; but which instant 02:30 is next month depends on who decides. It passes by itself in a rolling update.
 */
export class ZoneDataComparison {
  private readonly stop = new AbortController();
  private running: Promise<void> | null = null;
  private told = '';
  private toldAt = -Infinity;

  constructor(
    private readonly view: Pick<SqliteReadModel, 'health' | 'services'>,
    private readonly ports: { readonly clock: Clock; readonly logger: Logger; readonly zoneData: string },
    private readonly serviceId: string,
  ) {}

  start(): void {
    this.running ??= this.run();
  }

  close(): void {
    this.stop.abort();
  }

  /** As the view says now; nothing differs while it cannot be read. */
  health(): ZoneDataHealth {
    const own = this.ports.zoneData;
    if (this.view.health().state === 'waiting') return { own, differing: [] };
    const differing = this.view.services().flatMap(({ serviceId, current }) => {
      const zoneData = current === null || isTerminal(current) ? undefined : current.zoneData;
      return zoneData === undefined || zoneData === own || serviceId === this.serviceId
        ? []
        : [{ serviceId, zoneData }];
    });
    return { own, differing };
  }

  private async run(): Promise<void> {
    const { clock } = this.ports;
    const { signal } = this.stop;
    await clock.sleep(FIRST_MS, signal);
    while (!signal.aborted) {
      this.look();
      await clock.sleep(LOOK_MS, signal);
    }
  }

  private look(): void {
    const { clock, logger } = this.ports;
    try {
      const { own, differing } = this.health();
      const services = differing.map(({ serviceId, zoneData }) => `${serviceId} (${zoneData})`).join(', ');
      const now = clock.monotonic();
      if (services === this.told && now - this.toldAt < TELL_EVERY_MS) return;
      [this.told, this.toldAt] = [services, now];
      if (services === '') return;
      logger.warn('zone-data.differs', {
        what: 'living services have other time zone data than this one, so they may compute other slots of the same schedule',
        own,
        services,
        remedy: 'Run the same version of Node.js everywhere (process.versions.tz).',
      });
    } catch (error) {
      logger.debug('zone-data.not-compared', { error: String(error) });
    }
  }
}
