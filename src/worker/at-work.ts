import { runLimit, type JobRecord, type RunRef } from '../domain/job';
import type { JobRow } from '../read-model';
import { Execution } from './execution';

/** One run of a job in this process: on its way to its handler, in it, or with its outcome on the way to the log. */
export interface Work {
  readonly jobId: string;
  now: 'starting' | 'ending' | Execution;
}

/**
 * Runs of jobs in this process. As long as a handler has not settled it counts, whatever the log says of its run: no more handlers of a job are
 * entered here than its overlap policy allows runs.
 */
export class AtWork {
  private readonly jobs = new Map<string, { limit: number; readonly works: Set<Work> }>();
  private total = 0;

  /** Runs of all jobs. */
  get size(): number {
    return this.total;
  }

  /** A further handler of this job may be entered here. */
  accepts({ jobId, state }: JobRow): boolean {
    return (this.jobs.get(jobId)?.works.size ?? 0) < limitOf(state);
  }

  /** A start of the job may be sent now: one is appended at a time, since a second would only conflict with it. */
  maySend({ jobId }: JobRow): boolean {
    return !this.some(jobId, (work) => work.now === 'starting');
  }

  /** Nothing can be begun with the job as things stand here. */
  blocks(jobId: string): boolean {
    const job = this.jobs.get(jobId);
    return job !== undefined && (job.works.size >= job.limit || this.some(jobId, (work) => work.now === 'starting'));
  }

  /** What the view says of a job may allow it more runs, or fewer, than when the last of them began. */
  learn({ jobId, state }: JobRow): void {
    const job = this.jobs.get(jobId);
    if (job !== undefined) job.limit = limitOf(state);
  }

  /** The run is executed here, or an append of the job is on its way. */
  holds(jobId: string, run: RunRef): boolean {
    return this.some(jobId, ({ now }) => !(now instanceof Execution) || isOf(now, run));
  }

  begin({ jobId, state }: JobRow): Work {
    const job = this.jobs.get(jobId) ?? { limit: 1, works: new Set<Work>() };
    const work: Work = { jobId, now: 'starting' };
    job.limit = limitOf(state);
    job.works.add(work);
    this.jobs.set(jobId, job);
    this.total++;
    return work;
  }

  end(work: Work): void {
    const job = this.jobs.get(work.jobId);
    if (job?.works.delete(work) !== true) return;
    this.total--;
    if (job.works.size === 0) this.jobs.delete(work.jobId);
  }

  executions(): Execution[] {
    return [...this.jobs.values()].flatMap(({ works }) => executionsOf(works));
  }

  /** The handler that executes a run; null: none does here. */
  executing(jobId: string, run: RunRef): Execution | null {
    return executionsOf(this.jobs.get(jobId)?.works ?? new Set()).find((one) => isOf(one, run)) ?? null;
  }

  private some(jobId: string, is: (work: Work) => boolean): boolean {
    for (const work of this.jobs.get(jobId)?.works ?? []) if (is(work)) return true;
    return false;
  }
}

function executionsOf(works: ReadonlySet<Work>): Execution[] {
  return [...works].map(({ now }) => now).filter((now) => now instanceof Execution);
}

function isOf({ started: { run: one } }: Execution, run: RunRef): boolean {
  return one.slot === run.slot && one.attempt === run.attempt && one.incarnation === run.incarnation;
}

function limitOf(state: JobRow['state']): number {
  return 'definition' in state ? runLimit((state as JobRecord).definition.policies.overlap) : 1;
}
