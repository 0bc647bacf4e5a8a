import type { JobEvent } from '../../domain/job';
import type { WitnessedRun } from './witness';

/** An owner that died in a job: in one run of it, or in several (overlap `allow`). */
interface Crash {
  readonly incarnation: string;
  /** Slot and attempt of each run that it left behind. */
  readonly runs: readonly string[];
  readonly at: number;
  readonly sole: boolean;
}

export interface BlamePorts {
  readonly violate: (rule: string, words: string) => void;
  readonly note: (what: string) => void;
  /** A job is quarantined after so many crashes that count, within so many ms. */
  readonly quarantine: { readonly crashes: number; readonly windowMs: number };
}

/** After so many crashes a job is suspect. */
const SUSPECT = 2;

/** Who is to blame when processes die (5.11), counted apart from the fold that decides. */
export class Blame {
  private readonly crashes = new Map<string, Crash[]>();
  /** Runs that were started as those of the only suspect. */
  private readonly sole = new Set<string>();
  /** Suspects whose handlers have been entered and have not settled, as they were then. */
  private readonly entered = new Set<WitnessedRun>();

  constructor(private readonly ports: BlamePorts) {}

  /** @param open how many runs of the job were open until now, if the run that the outcome is of was one of them; else 0. */
  event(jobId: string, event: JobEvent, open: number): void {
    const { violate, note } = this.ports;
    switch (event.type) {
      case 'JobRunStarted':
        if (this.isSuspect(jobId)) note('suspect-started');
        if (event.data.soleSuspect === true) this.sole.add(keyOf(jobId, event.data));
        else if (this.isSuspect(jobId))
          violate('5.11', `${jobId} is suspect, and is started as if it were not (${event.data.slot}).`);
        return;
      case 'JobScheduled':
      case 'JobReleasedFromQuarantine':
        return void this.crashes.delete(jobId);
      case 'JobRunSucceeded':
        if (open > 0) this.crashes.delete(jobId);
        return;
      case 'JobHoldResolved':
        if (event.data.resolution === 'succeeded') this.crashes.delete(jobId);
        return;
      case 'JobRunOutcomeRefused': {
        const { slot, attempt, incarnation } = event.data;
        const lives = ({ runs, ...crash }: Crash) =>
          runs.includes(`${slot} ${attempt}`) || (runs.length > 1 && crash.incarnation === incarnation);
        const left = (this.crashes.get(jobId) ?? []).filter((one) => !lives(one));
        if (left.length < (this.crashes.get(jobId) ?? []).length) note('crash-taken-back');
        this.crashes.set(jobId, left);
        return;
      }
      case 'JobRunAbandoned': {
        const { slot, attempt, incarnation, at, reason } = event.data;
        if (reason !== 'ownerFailed' || !open) return;
        const sole = this.sole.has(keyOf(jobId, event.data));
        const before = this.crashes.get(jobId) ?? [];
        const known = before.find((crash) => crash.incarnation === incarnation);
        const runs = [...(known?.runs ?? []), `${slot} ${attempt}`];
        const crash = { incarnation, runs, at, sole: known?.sole ?? sole };
        this.crashes.set(
          jobId,
          known === undefined ? [...before, crash] : before.map((one) => (one === known ? crash : one)),
        );
        return;
      }
      case 'JobQuarantined': {
        const { crashes, windowMs } = this.ports.quarantine;
        const counted = (this.crashes.get(jobId) ?? []).filter(
          (crash, n) => (n < SUSPECT || crash.sole) && crash.at > event.data.at - windowMs,
        );
        if (counted.length < crashes)
          violate('5.11', `${jobId} is quarantined after ${counted.length} crashes that it is to blame for.`);
      }
    }
  }

  /** A handler is entered. */
  enters(run: WitnessedRun): void {
    for (const other of this.entered) if (other.leftAt !== null) this.entered.delete(other);
    if (!this.isSuspect(run.jobId)) return;
    for (const other of this.entered) {
      if (other.process !== run.process || other.jobId === run.jobId) continue;
      this.ports.violate('5.11', `The suspects ${run.jobId} and ${other.jobId} run together in ${run.process}.`);
    }
    this.entered.add(run);
  }

  private isSuspect(jobId: string): boolean {
    return (this.crashes.get(jobId)?.length ?? 0) >= SUSPECT;
  }
}

function keyOf(
  jobId: string,
  run: { readonly slot: string; readonly attempt: number; readonly epoch: number },
): string {
  return `${jobId} ${run.slot} ${run.attempt} ${run.epoch}`;
}
