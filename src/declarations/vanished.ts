import type { CommandExecutor } from '../commands';
import { CommandRefusedError, RemoveJobCommand } from '../commands';
import type { Logger } from '../logging';
import type { ReadModel, ServiceRow } from '../read-model';
import type { VanishedJob } from './report';
import { EndedError, type Waiting } from './waiting';

/** While a living service still has the handler, it is looked at again so often. */
const LOOKS_MS = 5_000;

/**
 * Jobs that the log knows as declared by this service name, and that this process does not declare. As long as a living service has
 * the handler it may be that which is newer (a replica of the old version restarts in a rolling deploy), so nothing is said of it.
 */
export class Vanished {
  private readonly told = new Map<string, VanishedJob>();
  private waitsFor: readonly string[] = [];

  constructor(
    private readonly ports: {
      readonly commands: Pick<CommandExecutor, 'execute'>;
      readonly view: ReadModel;
      readonly logger: Logger;
    },
    private readonly options: {
      readonly serviceId: string;
      readonly source: string;
      readonly vanished: 'report' | 'remove';
    },
    private readonly waiting: Waiting,
  ) {}

  found(): readonly VanishedJob[] {
    return [...this.told.values()];
  }

  elsewhere(): readonly string[] {
    return this.waitsFor;
  }

  /** Another living service has this handler. */
  isElsewhere(handler: string): boolean {
    return othersWith(this.ports.view, this.options.serviceId, handler).length > 0;
  }

  /** One pass: what nobody declares is reported, or removed. */
  async look(declared: ReadonlySet<string>): Promise<void> {
    const missing = this.ports.view
      .declaredBy(this.options.source)
      .map(({ jobId }) => jobId)
      .filter((jobId) => !declared.has(jobId) && !this.told.has(jobId));
    this.waitsFor = missing.filter((jobId) => this.isElsewhere(jobId));
    for (const jobId of missing) if (!this.waitsFor.includes(jobId)) await this.tell(jobId);
  }

  /** Looks again and again while a living service has the handler of a job that is not declared here. @throws EndedError */
  async untilNoneIsElsewhere(declared: ReadonlySet<string>): Promise<void> {
    while (this.waitsFor.length > 0) {
      await this.waiting.pause(LOOKS_MS);
      if (this.waiting.ended) throw new EndedError();
      await this.look(declared);
    }
  }

  private async tell(jobId: string): Promise<void> {
    const { source, vanished } = this.options;
    if (vanished === 'remove') return this.remove(jobId);
    this.told.set(jobId, { jobId, action: 'kept' });
    const remedy =
      'It is kept, and runs where its handler is. Remove it (Jobs.remove, or `holdfast remove`), ' +
      "or set declarations: { vanished: 'remove' } so that such jobs are removed.";
    this.ports.logger.warn('declaration.vanished', { jobId, source, action: 'kept', remedy });
  }

  private async remove(jobId: string): Promise<void> {
    const { serviceId, source } = this.options;
    const reason = `No longer declared by ${source}; declarations.vanished is 'remove'.`;
    const command = new RemoveJobCommand({ jobId, reason });
    try {
      await this.waiting.until('the log', () => this.ports.commands.execute(command, { actor: serviceId }));
    } catch (error) {
      // Another replica was quicker, or somebody has ended it meanwhile.
      if (!(error instanceof CommandRefusedError)) throw error;
      if (error.code !== 'job-terminal') {
        this.told.set(jobId, { jobId, action: 'kept' });
        this.ports.logger.warn('declaration.vanished', { jobId, source, action: 'kept', remedy: error.message });
        return;
      }
    }
    this.told.set(jobId, { jobId, action: 'removed' });
    this.ports.logger.warn('declaration.vanished', { jobId, source, action: 'removed' });
  }
}

/** Living services, without `serviceId` itself, that have registered this handler. */
export function othersWith(view: ReadModel, serviceId: string, handler: string): readonly ServiceRow[] {
  return view
    .services()
    .filter(
      ({ serviceId: other, current }) =>
        other !== serviceId &&
        current !== null &&
        (current.life === 'live' || current.life === 'draining') &&
        Object.hasOwn(current.handlers, handler),
    );
}
