import { withOptions, type CommandToService } from '../command';
import type { CommandResult, ExecuteOptions } from '../contract';
import { DrainServiceCommand } from '../services/drain-service.command';
import { MarkServiceFailedCommand } from '../services/mark-service-failed.command';
import { answer, parted, type CommandDispatcher } from './dispatcher';
import type { ReasonOptions } from './jobs';

export interface MarkFailedOptions extends ReasonOptions {
  /**
   * You vouch that the process is dead: its running jobs move at once. Default false: they move after a full measured silence.
   * A later mark may add it.
   */
  readonly confirmedDead?: boolean;
  /** Default: the newest one. */
  readonly incarnation?: string;
}

/** Services, for host applications. Rejects as {@link Jobs} does. */
export class Services {
  constructor(private readonly dispatcher: CommandDispatcher) {}

  /** Marks a service as failed: its idle jobs move to others. */
  markFailed(serviceId: string, options: MarkFailedOptions = {}): Promise<CommandResult> {
    const { own, beside } = parted(options);
    const { reason, confirmedDead, incarnation } = options;
    return this.send(new MarkServiceFailedCommand({ serviceId, reason, confirmedDead, incarnation, ...own }), beside);
  }

  /** The service takes no more jobs and gives away those it has. */
  drain(serviceId: string, options: ReasonOptions & { readonly incarnation?: string } = {}): Promise<CommandResult> {
    const { own, beside } = parted(options);
    const { reason, incarnation } = options;
    return this.send(new DrainServiceCommand({ serviceId, reason, incarnation, ...own }), beside);
  }

  private async send(command: CommandToService, beside: ExecuteOptions): Promise<CommandResult> {
    return answer(await this.dispatcher.execute(withOptions(command, beside)));
  }
}
