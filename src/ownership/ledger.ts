import type { Clock } from '../clock';
import {
  CommandRefusedError,
  CommandUnavailableError,
  FencedError,
  OutcomeUnknownError,
  type JobExecution,
} from '../commands';
import type { LogPosition } from '../event-store';
import type { Logger } from '../logging';
import type { Pressure } from './append-lane';

/** What was appended and what was not, since the start. */
export interface SweepCounters {
  /** Jobs bound to this service, requeued ones included. */
  readonly claims: number;
  readonly requeues: number;
  readonly releases: number;
  /** Requeued without a new owner. */
  readonly unplaced: number;
  readonly quarantined: number;
  /** Somebody else was faster. */
  readonly conflicts: number;
  readonly refusals: number;
  readonly fenced: number;
  readonly unavailable: number;
  readonly unknown: number;
}

const REST_MS = 50;
const LONGEST_REST_MS = 5_000;
const lostRaces: ReadonlySet<string> = new Set([
  'job-bound',
  'job-unbound',
  'wrong-owner',
  'wrong-epoch',
  'job-terminal',
  'job-quarantined',
  'run-open',
]);

/**
 * What this process knows of jobs beyond its view: those that its own appends have moved already, and those that are left alone for a while
 * because an append did not succeed.
 */
export class Ledger {
  readonly counters: { -readonly [K in keyof SweepCounters]: number } = {
    claims: 0,
    requeues: 0,
    releases: 0,
    unplaced: 0,
    quarantined: 0,
    conflicts: 0,
    refusals: 0,
    fenced: 0,
    unavailable: 0,
    unknown: 0,
  };
  private readonly ahead = new Map<string, bigint>();
  private readonly acknowledged: { readonly position: bigint; readonly at: number }[] = [];
  private readonly resting = new Map<
    string,
    { readonly until: number; readonly delay: number; readonly tries: number }
  >();

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** A job may be looked at again at this monotonic time. */
    private readonly onRest: (until: number) => void,
  ) {}

  landed(execution: JobExecution): void {
    this.resting.delete(execution.id);
    this.ahead.set(execution.id, execution.position);
    if (execution.added > 0) this.acknowledged.push({ position: execution.position, at: this.clock.monotonic() });
  }

  /** Nothing is known to have been appended. The job is looked at again after a rest, doubled each time. */
  failed(act: string, jobId: string, error: unknown): Pressure {
    const before = this.resting.get(jobId);
    const delay = Math.min((before?.delay ?? REST_MS / 2) * 2, LONGEST_REST_MS);
    const until = this.clock.monotonic() + delay;
    this.resting.set(jobId, { until, delay, tries: (before?.tries ?? 0) + 1 });
    this.onRest(until);
    const kind = this.kindOf(error);
    if (kind === null) throw error;
    this.counters[kind] += 1;
    const code = error instanceof CommandRefusedError ? error.code : kind;
    this.logger.debug('ownership.not-appended', { act, jobId, code, detail: (error as Error).message });
    return kind === 'unavailable' || kind === 'unknown' ? 'pressed' : 'neutral';
  }

  /** The view does not show yet what this process itself did to the job. */
  isAhead(jobId: string): boolean {
    return this.ahead.has(jobId);
  }

  /** Appends that are acknowledged and that the view does not show yet. */
  get unshown(): number {
    return this.ahead.size;
  }

  /** Until when the job is left alone, monotonic ms; null: it is not. */
  restsUntil(jobId: string, now: number): number | null {
    const rest = this.resting.get(jobId);
    return rest !== undefined && rest.until > now ? rest.until : null;
  }

  /** How often in a row an append to this job did not succeed. */
  tries(jobId: string): number {
    return this.resting.get(jobId)?.tries ?? 0;
  }

  /** The view has moved to `position`. */
  applied(position: LogPosition): void {
    if (position === 'start') return;
    for (const [jobId, at] of this.ahead) if (at <= position) this.ahead.delete(jobId);
    let shown = 0;
    while (shown < this.acknowledged.length && this.acknowledged[shown].position <= position) shown += 1;
    this.acknowledged.splice(0, shown);
    const now = this.clock.monotonic();
    for (const [jobId, rest] of this.resting) if (rest.until + LONGEST_REST_MS < now) this.resting.delete(jobId);
  }

  /** The newest position that an own append was acknowledged at and the view has not applied; null: none. */
  newest(): bigint | null {
    return this.acknowledged.reduce<bigint | null>(
      (max, a) => (max === null || a.position > max ? a.position : max),
      null,
    );
  }

  /** Age of the oldest own acknowledged append that the view has not applied, ms; 0: none. */
  viewBehindMs(): number {
    return this.acknowledged.length === 0 ? 0 : this.clock.monotonic() - this.acknowledged[0].at;
  }

  /** Another incarnation, perhaps another log: nothing of before holds. */
  forget(): void {
    this.ahead.clear();
    this.acknowledged.length = 0;
    this.resting.clear();
  }

  private kindOf(error: unknown): 'conflicts' | 'refusals' | 'fenced' | 'unavailable' | 'unknown' | null {
    if (error instanceof CommandRefusedError) return lostRaces.has(error.code) ? 'conflicts' : 'refusals';
    if (error instanceof FencedError) return 'fenced';
    if (error instanceof CommandUnavailableError) return 'unavailable';
    if (error instanceof OutcomeUnknownError) return 'unknown';
    return null;
  }
}
