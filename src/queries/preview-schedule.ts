import { SystemClock, type Instant } from '../clock';
import {
  defineSchedule,
  describe,
  previewSlots,
  readInstant,
  type InstantInput,
  type PreviewedSlot,
  type Schedule,
  type ScheduleInput,
} from '../domain/schedule';
import { QueryRefusedError } from './view-query';

export interface PreviewOptions {
  /** The slots after this instant (exclusive). Default: now. */
  readonly after?: InstantInput;
  /** When the schedule is, or was, given: what counts from there does. Default: `after`. */
  readonly anchor?: InstantInput;
  /** Jitter is another for each job. Default: of no job in particular. */
  readonly jobId?: string;
}

/**
 * What a schedule does, before a job has it: its next `n` slots, when each is due, and what the clock on the wall shows then. Asks no log.
 *
 * @param schedule as it would be given to a job, or as a job has it.
 * @throws QueryRefusedError with what a job of this schedule would be refused for.
 */
export function previewSchedule(
  schedule: ScheduleInput | Schedule,
  n: number,
  options: PreviewOptions = {},
): readonly PreviewedSlot[] {
  if (!Number.isSafeInteger(n) || n < 0) {
    const rule = 'It must be a whole number of slots.';
    throw new QueryRefusedError([{ code: 'out-of-range', field: 'n', value: String(n), rule, remedy: 'Ask for 10.' }]);
  }
  const after = instant(options.after, 'after') ?? new SystemClock().wall();
  const anchor = instant(options.anchor, 'anchor') ?? after;
  return previewSlots({ schedule: canonical(schedule, anchor), anchor }, after, n, options.jobId ?? '');
}

/**
 * A schedule in plain words: `at 02:30 on Monday to Friday (Europe/Berlin)`.
 * @throws QueryRefusedError with what a job of this schedule would be refused for.
 */
export function describeSchedule(schedule: ScheduleInput | Schedule): string {
  return describe(canonical(schedule, null));
}

function canonical(schedule: ScheduleInput | Schedule, now: Instant | null): Schedule {
  if (isCanonical(schedule)) return schedule;
  const defined = defineSchedule(schedule, now);
  if (defined.ok) return defined.value;
  throw new QueryRefusedError([defined.refusal]);
}

/** Where the two forms are not the same: it has fields that only a schedule has that was read before, and those that each of them has. */
function isCanonical(schedule: ScheduleInput | Schedule): schedule is Schedule {
  if (typeof schedule !== 'object' || schedule === null) return false;
  const has = (field: string) => field in schedule;
  return ['everyMs', 'unit', 'jitterMs'].some(has) && ['kind', 'start', 'end', 'maxRuns'].every(has);
}

function instant(input: InstantInput | undefined, field: string): Instant | null {
  if (input === undefined) return null;
  const read = readInstant(input, field);
  if (read.ok) return read.value;
  throw new QueryRefusedError([read.refusal]);
}
