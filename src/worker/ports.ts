import type { Clock, ClusterTime } from '../clock';
import type { JobRecord } from '../domain/job';
import type { Logger } from '../logging';
import type { Membership } from '../membership';
import type { OwnJobs } from '../read-model';
import type { HandlerRegistry } from './handler-registry';
import type { RunCommands } from './outcomes';

export interface WorkerOptions {
  /** Runs at the same time in this process. */
  readonly maxConcurrentRuns: number;
  /** How long a handler may take to settle after its abort, ms. */
  readonly abortGraceMs: number;
  /** How long own trust runs, ms: how often it is looked at while handlers run follows from it. */
  readonly selfFenceAfterMs: number;
}

export interface WorkerPorts {
  /** The only thing it reads of jobs. */
  readonly ownJobs: OwnJobs;
  readonly commands: RunCommands;
  /** True while an append for this job has no definite answer yet. */
  readonly outstanding: (jobId: string) => boolean;
  readonly membership: Membership;
  readonly clock: Clock;
  readonly clusterTime: ClusterTime;
  readonly handlers: HandlerRegistry;
  readonly logger: Logger;
  /** Generation of the log, for fencing tokens. */
  readonly generation: () => number;
  /** Whether this service may still own the job: tag and labels, handler, draining left aside. */
  readonly eligible: (record: JobRecord) => boolean;
}

export interface WorkerHealth {
  readonly running: number;
  readonly free: number;
  /** Handlers that ignored their abort and have not settled. */
  readonly stuck: number;
  readonly passes: number;
  readonly lastPassMs: number;
  readonly lastError: string | null;
}

/** A job whose handler had not settled when the worker stopped waiting. */
export interface Leftover {
  readonly jobId: string;
  readonly slot: string;
  readonly attempt: number;
}
