import type { JobRunStarted } from '../../domain/job';
import type { Bench, JudgePorts } from './judged';
import type { SimulatedProcess } from './simulated-process';
import type { WitnessedRun } from './witness';

/** What clocks leave open (I12), ms. */
const EARLY_MS = 5_000;
const TOKEN_REVISIONS = 2 ** 44;
/** A handler whose process was resumed after its trust had run out may go on for so long, ms; where trust runs for hours, for a part of it. */
const RESUMED_MS = 200;
const RESUMED_PART = 300;

export interface EntriesPorts extends Bench, Pick<JudgePorts, 'generation' | 'logTime'> {
  /** When the slot of that job is due, ms since 1970; null: not known. */
  readonly due: (jobId: string, slot: string) => number | null;
  /** Why the run ended, as the log says; undefined: it is open. */
  readonly closed: (run: string) => string | undefined;
}

/** Judges handlers: each is entered for a start of the log, in trust, in time, and beside no other one that its job does not allow (3.4, 3.7, I12). */
export class JudgeEntries {
  /** `allowed`: handlers of the job that may be unsettled at once, by its overlap policy when this one was started. */
  private readonly starts = new Map<string, { readonly run: string; readonly by: string; readonly allowed: number }>();

  constructor(private readonly ports: EntriesPorts) {}

  /** The log has taken a start. */
  started(jobId: string, data: JobRunStarted['data'], revision: number, by: string, allowed: number): void {
    this.starts.set(`${jobId} ${this.ports.generation() * TOKEN_REVISIONS + revision}`, {
      run: keyOf({ jobId, ...data }),
      by,
      allowed,
    });
  }

  /** A handler is entered. @param others runs of the same job whose handlers have not settled. */
  entered(
    run: WitnessedRun,
    others: readonly WitnessedRun[],
    processOf: (run: WitnessedRun) => SimulatedProcess | null,
  ): void {
    const start = this.starts.get(`${run.jobId} ${run.fencingToken + this.untold(run) * TOKEN_REVISIONS}`);
    if (start === undefined || start.run !== keyOf(run))
      this.ports.violate('entry', `${wordsOf(run)} is entered, and no JobRunStarted of the log says so.`);
    else if (start.by !== run.process)
      this.ports.violate(
        'entry',
        `${wordsOf(run)} is entered in ${run.process}, and its start was appended by ${start.by}.`,
      );
    const trusted = this.ports.trusted(run.process);
    if (trusted === null || trusted.fence !== null || trusted.incarnation !== run.incarnation)
      this.ports.violate(
        'entry',
        `${wordsOf(run)} is entered in ${run.process}, which is fenced (${trusted?.fence ?? 'another incarnation'}).`,
      );
    const lapse = this.lapse(run);
    if (lapse !== null) this.ports.violate('entry', `${wordsOf(run)} is entered in ${run.process}, and ${lapse}.`);
    if (this.ports.closed(keyOf(run)) !== undefined) this.ports.note('entered-after-end');
    this.notEarly(run);
    this.overlaps(run, others, start?.allowed ?? 1, processOf);
  }

  /** I12 in the time of the log, of what a handler sees: no slot begins before it is due. */
  private notEarly(run: WitnessedRun): void {
    const due = run.attempt === 1 ? this.ports.due(run.jobId, run.slot) : null;
    const early = due === null ? 0 : due - this.ports.logTime();
    if (early > EARLY_MS)
      this.ports.violate('I12', `${wordsOf(run)} is entered ${Math.round(early)} ms before it is due.`);
  }

  /** A handler that was in the middle of its run when its process was held up for longer than trust runs has ended or was told to. */
  resumed(run: WitnessedRun, wentOnMs: number): void {
    this.ports.note('resumed-without-trust');
    if (wentOnMs > this.noticedMs)
      this.ports.violate(
        'resumed',
        `${wordsOf(run)} went on for ${wentOnMs.toFixed(0)} ms after ${run.process} was resumed.`,
      );
  }

  /**
   * By how many generations its token may be too low: who comes back to a restored log may start a run before it is told that it is one. The answer to
   * its append may be under way when it is.
   */
  private untold(run: WitnessedRun): number {
    const { process, jobId, fencingToken } = run;
    const { unaware, sinceMs } = this.ports.restored(process);
    const told = this.ports.living(process)?.told.generation ?? 0;
    const generation = Math.floor(fencingToken / TOKEN_REVISIONS);
    const mayNotKnow = generation === told || unaware || sinceMs < this.ports.liveness.failAfterMs;
    if (!mayNotKnow || this.starts.get(`${jobId} ${fencingToken}`)?.run === keyOf(run)) return 0;
    this.ports.note('entered-before-told-of-the-restore');
    return this.ports.generation() - generation;
  }

  /** A handler was let pass by `guard()`. */
  guarded(run: WitnessedRun): void {
    this.ports.note('guard-passed');
    const lapse = this.lapse(run);
    if (lapse !== null) this.ports.violate('guard', `${wordsOf(run)} may go on in ${run.process}, and ${lapse}.`);
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
    if (others.length > 0 && others.length < allowed) return this.ports.note('overlap-allowed');
    if (others.length < allowed) return;
    const [here] = others.filter(({ process }) => process === run.process).slice(allowed - 1);
    if (here !== undefined)
      this.ports.violate(
        '3.7',
        `${wordsOf(run)} is entered in ${run.process}, where ${wordsOf(here)} has not settled.`,
      );
    const [beyond] = others.filter((other) => !this.excused(other, run, processOf(other))).slice(allowed - 1);
    if (beyond !== undefined) this.ports.violate('overlap', this.overlapWords(beyond, run, allowed));
  }

  /** The guarantees name a reason why its handler may still run. */
  private excused(earlier: WitnessedRun, run: WitnessedRun, process: SimulatedProcess | null): boolean {
    const now = this.ports.now();
    const { abortGraceMs, loopDelayMs, clockRateError } = this.ports.liveness;
    const because = (why: string) => (this.ports.note(why), true);
    const ignored = earlier.abortedAt !== null && now - earlier.abortedAt >= abortGraceMs * (1 - clockRateError);
    if (ignored) return because('overlap-ignored-abort');
    if (process !== null && this.heldUp(earlier, process)) return because('overlap-paused');
    // Whoever is called dead and lives may also enter late, beside the run that has taken the place of its own.
    if (this.calledDead(earlier) || (this.calledDead(run) && run.epoch < earlier.epoch))
      return because('overlap-confirmed-dead');
    if (this.ports.closed(keyOf(earlier)) === 'cancelled') return because('overlap-cancelled');
    const { selfFenceAfterMs } = this.ports.liveness;
    const restoredMs = this.ports.restored(earlier.process).sinceMs;
    return restoredMs < selfFenceAfterMs + loopDelayMs + abortGraceMs && because('overlap-log-went-back');
  }

  /**
   * It could not stop in time: since its trust ran out its process was held up for more than `loopDelayMs`, in one piece or in several, and has not run
   * for as long as it takes to notice the fence and to yield. What held it up before that has delayed neither.
   */
  private heldUp({ incarnation, enteredAt }: WitnessedRun, process: SimulatedProcess): boolean {
    const { abortGraceMs, loopDelayMs, selfFenceAfterMs, clockRateError } = this.ports.liveness;
    const now = this.ports.now();
    const ended = process.told.trustEnds(incarnation, enteredAt, selfFenceAfterMs) ?? now;
    const held = process.pausedWithin(ended, now);
    const ran = now - ended - held;
    return held > loopDelayMs && ran < (this.noticedMs + abortGraceMs) * (1 + clockRateError);
  }

  /** A process that runs has noticed within this time that its trust has run out, ms. */
  private get noticedMs(): number {
    return Math.max(RESUMED_MS, this.ports.liveness.selfFenceAfterMs / RESUMED_PART);
  }

  /** An operator has called its process dead, against the truth. */
  private calledDead({ incarnation }: WitnessedRun): boolean {
    return this.ports.incarnations.get(incarnation)?.confirmedDead === true;
  }

  private overlapWords(earlier: WitnessedRun, later: WitnessedRun, allowed: number): string {
    const now = this.ports.now();
    return `${wordsOf(later)} is entered in ${later.process} while ${wordsOf(earlier)} runs in ${earlier.process} (entered at ${earlier.enteredAt.toFixed(0)}, ${
      earlier.abortedAt === null ? 'not aborted' : `aborted ${(now - earlier.abortedAt).toFixed(0)} ms ago`
    }; in the log: ${this.ports.closed(keyOf(earlier)) ?? 'open'}), and the job allows ${allowed} at once.`;
  }
}

export function keyOf(run: {
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
