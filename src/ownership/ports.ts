import type { Clock, Random } from '../clock';
import type { CommandToJob, ExecuteOptions, JobExecution } from '../commands';
import type { Logger } from '../logging';
import type { Membership } from '../membership';
import type { ReadModel } from '../read-model';
import type { StartsRuns } from './starts-runs';

/** What the sweep sends. The executor answers only when the log has given a definite answer. */
export interface OwnershipCommands {
  execute(command: CommandToJob, options?: ExecuteOptions): Promise<JobExecution>;
}

/** What of the view the sweep looks at. */
export type OwnershipView = Pick<ReadModel, 'position' | 'sweep' | 'ownJobs' | 'onAdvance' | 'waitFor'>;

export interface SweepPorts {
  readonly readModel: OwnershipView;
  readonly commands: OwnershipCommands;
  readonly membership: Membership;
  readonly startsRuns: StartsRuns;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Age, ms, of the oldest service fact that membership has read and the view has not applied; 0: none. Own acknowledged appends are looked at besides. */
  readonly viewBehindMs?: () => number;
}
