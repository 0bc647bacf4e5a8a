import type { Act, Pressure } from './append-lane';
import { releaseCommand, type Release } from './commands';
import type { Ledger } from './ledger';
import type { JobRecord } from '../domain/job';
import type { SweepPorts } from './ports';

/** An own job that is to be given back, as the view has it. */
export interface ReleaseIntent extends Release {
  readonly state: JobRecord;
}

/** Appends releases, and tells the log what came of them. */
export class Releases {
  constructor(
    private readonly ports: SweepPorts,
    private readonly ledger: Ledger,
    private readonly timeoutMs: number,
    private readonly mayAppend: (incarnation: string) => boolean,
  ) {}

  act(intent: ReleaseIntent, incarnation: string): Act {
    return { jobId: intent.jobId, run: () => this.append(intent, incarnation) };
  }

  private async append({ state, ...release }: ReleaseIntent, incarnation: string): Promise<Pressure> {
    const { commands, logger } = this.ports;
    const { serviceId } = this.ports.membership;
    const { jobId, epoch, reason, target } = release;
    if (!this.mayAppend(incarnation) || this.ledger.isAhead(jobId)) return 'neutral';
    try {
      const execution = await commands.execute(releaseCommand(release, serviceId, incarnation), {
        known: state,
        mayAppend: () => this.mayAppend(incarnation),
        timeoutMs: this.timeoutMs,
      });
      this.ledger.landed(execution);
      if (execution.added > 0) {
        this.ledger.counters.releases += 1;
        const { revision } = execution;
        logger.info('job.released', { jobId, revision, serviceId, incarnation, epoch, reason, target });
      }
      return 'took';
    } catch (error) {
      return this.ledger.failed('release', jobId, error);
    }
  }
}
