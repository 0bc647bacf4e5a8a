import type { JobRunStarted, JobState } from '../../domain/job';
import type { Bench, JudgePorts } from './judge-ports';
import type { SimulatedProcess } from './simulated-process';
import type { WitnessedRun } from './witness';

const TOKEN_REVISIONS = 2 ** 44;
/** A handler whose process was resumed after its trust had run out may go on for so long, ms; where trust runs for hours, for a part of it. */
const RESUMED_MS = 200;
const RESUMED_PART = 300;

/** Judges what handlers do: that each is entered for a start of its own process, while that trusts itself, and beside no more than may be. */
export class JudgedRuns {
  /** Run → why it ended, as the log says. */
  private closed = new Map<string, string>();
  /** `allowed`: handlers of the job that may be unsettled at once, by its overlap policy when this one was started. */
  private readonly starts = new Map<string, { readonly run: string; readonly by: string; readonly allowed: number }>();

  constructor(
    private readonly ports: JudgePorts,
    private readonly bench: Bench,
    private readonly confirmedDead: (incarnation: string) => boolean,
  ) {}

  /** The log went back in time. Starts that it held are remembered: their tokens name the log that they were of. */
  rewind(): void {
    this.closed = new Map();
  }

  /** A start was written. @param state after it. */
  started(jobId: string, { data }: JobRunStarted, revision: number, state: JobState, by: string): void {
    const run = keyOf({ jobId, ...data });
    this.starts.set(`${jobId} ${this.ports.generation() * TOKEN_REVISIONS + revision}`, {
      run,
      by,
      allowed: allowedBy(state),
    });
  }

  /** The log says that it has ended, and how. */
  ended(run: Parameters<typeof keyOf>[0], how: string): void {
    this.closed.set(keyOf(run), how);
  }

  /** A handler is entered. @param others runs of the same job whose handlers have not settled. */
  entered(
    run: WitnessedRun,
    others: readonly WitnessedRun[],
    processOf: (run: WitnessedRun) => SimulatedProcess | null,
  ): void {
    const start = this.starts.get(`${run.jobId} ${run.fencingToken + this.untold(run) * TOKEN_REVISIONS}`);
    if (start === undefined || start.run !== keyOf(run))
      this.bench.violate('entry', `${wordsOf(run)} is entered, and no JobRunStarted of the log says so.`);
    else if (start.by !== run.process)
      this.bench.violate(
        'entry',
        `${wordsOf(run)} is entered in ${run.process}, and its start was appended by ${start.by}.`,
      );
    const trusted = this.ports.trusted(run.process);
    if (trusted === null || trusted.fence !== null || trusted.incarnation !== run.incarnation)
      this.bench.violate(
        'entry',
        `${wordsOf(run)} is entered in ${run.process}, which is fenced (${trusted?.fence ?? 'another incarnation'}).`,
      );
    const lapse = this.lapse(run);
    if (lapse !== null) this.bench.violate('entry', `${wordsOf(run)} is entered in ${run.process}, and ${lapse}.`);
    if (this.closed.has(keyOf(run))) this.bench.note('entered-after-end');
    this.overlaps(run, others, start?.allowed ?? 1, processOf);
  }

  /** A handler that was in the middle of its run when its process was held up for longer than trust runs has ended or was told to. */
  resumed(run: WitnessedRun, wentOnMs: number): void {
    this.bench.note('resumed-without-trust');
    if (wentOnMs > Math.max(RESUMED_MS, this.ports.liveness.selfFenceAfterMs / RESUMED_PART))
      this.bench.violate(
        'resumed',
        `${wordsOf(run)} went on for ${wentOnMs.toFixed(0)} ms after ${run.process} was resumed.`,
      );
  }

  /** By how many generations its token may be too low: who comes back to a restored log may start a run before it is told that it is one. */
  private untold({ process, jobId, fencingToken }: WitnessedRun): number {
    const told = this.ports.living(process)?.told.generation ?? 0;
    if (Math.floor(fencingToken / TOKEN_REVISIONS) !== told || this.starts.has(`${jobId} ${fencingToken}`)) return 0;
    this.bench.note('entered-before-told-of-the-restore');
    return this.ports.generation() - told;
  }

  /** A handler was let pass by `guard()`. */
  guarded(run: WitnessedRun): void {
    this.bench.note('guard-passed');
    const lapse = this.lapse(run);
    if (lapse !== null) this.bench.violate('guard', `${wordsOf(run)} may go on in ${run.process}, and ${lapse}.`);
  }

  private lapse({ process, incarnation }: WitnessedRun): string | null {
    const { liveness, living } = this.ports;
    return living(process)?.told.whyNoTrust(incarnation, liveness.selfFenceAfterMs) ?? null;
  }

  /** More handlers of one job at the same time than its overlap policy allows: only for a reason that the guarantees name. */
  private overlaps(
    run: WitnessedRun,
    others: readonly WitnessedRun[],
    allowed: number,
    processOf: (run: WitnessedRun) => SimulatedProcess | null,
  ): void {
    if (others.length > 0 && others.length < allowed) return this.bench.note('overlap-allowed');
    if (others.length < allowed) return;
    const [here] = others.filter(({ process }) => process === run.process).slice(allowed - 1);
    if (here !== undefined)
      this.bench.violate(
        '3.7',
        `${wordsOf(run)} is entered in ${run.process}, where ${wordsOf(here)} has not settled.`,
      );
    const [beyond] = others.filter((other) => !this.excused(other, processOf(other))).slice(allowed - 1);
    if (beyond !== undefined) this.bench.violate('overlap', this.overlapWords(beyond, run, allowed));
  }

  /** The guarantees name a reason why its handler may still run. */
  private excused(earlier: WitnessedRun, process: SimulatedProcess | null): boolean {
    const now = this.ports.now();
    const { abortGraceMs, loopDelayMs, failAfterMs, clockRateError } = this.ports.liveness;
    const because = (why: string) => (this.bench.note(why), true);
    const ignored = earlier.abortedAt !== null && now - earlier.abortedAt >= abortGraceMs * (1 - clockRateError);
    if (ignored) return because('overlap-ignored-abort');
    const paused = process?.pausedWithin(now - 2 * failAfterMs, now) ?? 0;
    if (paused > loopDelayMs) return because('overlap-paused');
    if (this.confirmedDead(earlier.incarnation)) return because('overlap-confirmed-dead');
    if (this.closed.get(keyOf(earlier)) === 'cancelled') return because('overlap-cancelled');
    const { selfFenceAfterMs } = this.ports.liveness;
    const restoredMs = this.ports.restored(earlier.process).sinceMs;
    return restoredMs < selfFenceAfterMs + loopDelayMs + abortGraceMs && because('overlap-log-went-back');
  }

  private overlapWords(earlier: WitnessedRun, later: WitnessedRun, allowed: number): string {
    const now = this.ports.now();
    return `${wordsOf(later)} is entered in ${later.process} while ${wordsOf(earlier)} runs in ${earlier.process} (entered at ${earlier.enteredAt.toFixed(0)}, ${
      earlier.abortedAt === null ? 'not aborted' : `aborted ${(now - earlier.abortedAt).toFixed(0)} ms ago`
    }; in the log: ${this.closed.get(keyOf(earlier)) ?? 'open'}), and the job allows ${allowed} at once.`;
  }
}

/** Written down once more, on purpose: the judge must not share a mistake with the code. */
function allowedBy(state: JobState): number {
  if (state.stage === 'absent' || state.stage === 'opaque') return 1;
  const { overlap } = state.definition.policies;
  return typeof overlap === 'object' ? overlap.allow : 1;
}

function keyOf(run: {
  readonly jobId: string;
  readonly slot: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly incarnation: string;
}): string {
  return `${run.jobId} ${run.slot} ${run.attempt} ${run.epoch} ${run.incarnation}`;
}

function wordsOf(run: WitnessedRun): string {
  return `${run.jobId} ${run.slot} attempt ${run.attempt} epoch ${run.epoch}`;
}
