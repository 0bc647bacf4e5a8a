import { createHash } from 'node:crypto';
import type { Instant } from '../clock';
import { validateCommand, ScheduleJobCommand, type PoliciesInput } from '../commands';
import { canonical, type Affinity, type Tag } from '../domain/job';
import type { Refusal } from '../domain/refusal';
import { defineSchedule, type ScheduleInput, type ScheduleLimits } from '../domain/schedule';
import { patternOf } from './cron-time';
import type { DateTimeLike, DeclaredMethod } from './metadata';
import { jobIdOfName } from './names';
import { zoneOf } from './zones';

/** When, as it was written: what is relative to a start stays so. */
export type WrittenSchedule =
  | { readonly kind: 'cron'; readonly pattern: string; readonly zone: string; readonly initialDelayMs: number }
  | { readonly kind: 'date'; readonly at: Instant; readonly initialDelayMs: number }
  | { readonly kind: 'interval'; readonly everyMs: number }
  | { readonly kind: 'timeout'; readonly afterMs: number };

/** As it was written; null: none. */
export type WrittenJitter = number | string | null;

/** A job as the code of a process declares it. */
export interface Declaration {
  /** Also the name of its handler. */
  readonly jobId: string;
  /** `ClassName.methodName`. */
  readonly where: string;
  /** The name that was given; null: the place is the name. */
  readonly name: string | null;
  readonly decorator: DeclaredMethod['decorator'];
  readonly written: WrittenSchedule;
  readonly jitter: WrittenJitter;
  readonly tag: Tag;
  readonly affinity: Affinity;
  /** As written: defaults are not filled in. */
  readonly policies: PoliciesInput;
  readonly disabled: boolean;
  /** SHA-256 of all that was written (`where` is not part of it), hex. */
  readonly hash: string;
}

export interface Place {
  readonly className: string;
  readonly methodName: string;
}

export type Declared =
  { readonly ok: true; readonly value: Declaration } | { readonly ok: false; readonly refusals: readonly Refusal[] };

/**
 * The job that a decorated method declares. Pure.
 * @param processZone the IANA zone of the process, for a `@Cron` that names none.
 * @param limits what this service takes of schedules; null: everything.
 */
export function declarationOf(
  method: DeclaredMethod,
  place: Place,
  processZone: string,
  limits: ScheduleLimits | null = null,
): Declared {
  const refusals: Refusal[] = [...unknownOptions(method), ...saidTwice(method)];
  const take = <T>(read: Read<T>): T | null => {
    if (read.ok) return read.value;
    refusals.push(read.refusal);
    return null;
  };
  const where = `${place.className}.${place.methodName}`;
  const name = take(readName(method.decorator === 'Cron' ? method.options.name : method.name, place));
  const written =
    method.decorator === 'Cron'
      ? take(readCron(method.cronTime, method.options, processZone))
      : take(readMs(method.decorator, method.timeout));
  const revision = take(readRevision(method.options.revision));
  const policies = policiesOf(method);
  if (refusals.length > 0 || written === null) return { ok: false, refusals };
  const {
    tag = {},
    affinity = 'required',
    jitter = null,
  } = method.options as { tag?: Tag; affinity?: Affinity; jitter?: WrittenJitter };
  const disabled = method.decorator === 'Cron' && Boolean(method.options.disabled);
  const jobId = jobIdOfName(name ?? where);
  const declaration = {
    ...{ jobId, where, name, decorator: method.decorator, written, jitter, tag, affinity, policies, disabled },
  };
  const probe = new ScheduleJobCommand({
    ...{ jobId, handler: jobId, schedule: scheduleFrom(declaration, 0), tag, affinity, policies },
  });
  const wrong = validateCommand(probe).map((refusal) => asWritten(refusal, method));
  if (wrong.length > 0) return { ok: false, refusals: wrong };
  const limited = defineSchedule(scheduleFrom(declaration, 0), null, limits);
  if (!limited.ok) return { ok: false, refusals: [asWritten(limited.refusal, method)] };
  // JSON drops what is undefined, so that it counts as left out.
  const text = canonical(
    JSON.parse(JSON.stringify({ written, tag, affinity, policies, disabled, revision, jitter: jitter ?? undefined })),
  );
  return { ok: true, value: { ...declaration, hash: createHash('sha256').update(text).digest('hex') } };
}

/** The schedule of a declaration for an application that started at `start`. */
export function scheduleFrom(
  { written, jitter }: Pick<Declaration, 'written' | 'jitter'>,
  start: Instant,
): ScheduleInput {
  const schedule = withoutJitter(written, start);
  return jitter === null ? schedule : { ...schedule, jitter };
}

function withoutJitter(written: WrittenSchedule, start: Instant): ScheduleInput {
  switch (written.kind) {
    case 'cron': {
      const { pattern, zone, initialDelayMs } = written;
      return { kind: 'cron', pattern, zone, ...(initialDelayMs > 0 ? { start: start + initialDelayMs } : {}) };
    }
    case 'date':
      return { kind: 'once', at: written.at };
    case 'interval':
      return { kind: 'interval', every: written.everyMs };
    case 'timeout':
      return { kind: 'once', at: start + written.afterMs };
  }
}

/** A date that has passed for an application that started at `start`. */
export function hasPassed(written: WrittenSchedule, start: Instant): boolean {
  return written.kind === 'date' && written.at < start + written.initialDelayMs;
}

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal };

function refuse(field: string, value: unknown, rule: string, remedy: string): { readonly ok: false; refusal: Refusal } {
  const shown = typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 100);
  return { ok: false, refusal: { code: 'bad-declaration', field, value: shown, rule, remedy } };
}

function readName(given: unknown, { className, methodName }: Place): Read<string | null> {
  // As in @nestjs/schedule, where an empty name is none.
  if (given === undefined || given === null || given === '') {
    if (className !== '') return { ok: true, value: null };
    return refuse(
      'name',
      given,
      `${methodName} belongs to a class without a name.`,
      'Give it a name: it is the id of the job.',
    );
  }
  if (typeof given === 'string') return { ok: true, value: given };
  return refuse('name', given, 'A name is a text.', 'Write a text, or leave it out for ClassName.methodName.');
}

function readRevision(given: unknown): Read<string | null> {
  if (given === undefined || given === null) return { ok: true, value: null };
  if (typeof given === 'string') return { ok: true, value: given };
  return refuse('revision', given, 'A revision is a text.', "Write a text such as '2'.");
}

/** The policies that may be written as options of their own as well: once each. */
const policyOptions = ['overlap', 'misfire'] as const satisfies readonly (keyof PoliciesInput)[];

function saidTwice({ options }: DeclaredMethod): Refusal[] {
  const policies = options.policies as PoliciesInput | null | undefined;
  return policyOptions
    .filter((policy) => options[policy] !== undefined && policies?.[policy] !== undefined)
    .map((policy) => {
      const remedy = 'Leave one of the two out.';
      return refuse(policy, options[policy], `policies.${policy} is given, too.`, remedy).refusal;
    });
}

/** All of them, wherever they were written: the same declaration has the same hash. */
function policiesOf({ options }: DeclaredMethod): PoliciesInput {
  const { policies = {} } = options;
  // What is no dictionary is refused with the job.
  if (typeof policies !== 'object' || policies === null || Array.isArray(policies)) return policies as PoliciesInput;
  const written = policyOptions.filter((policy) => options[policy] !== undefined);
  return { ...policies, ...Object.fromEntries(written.map((policy) => [policy, options[policy]])) };
}

function readCron(
  cronTime: unknown,
  options: Readonly<Record<string, unknown>>,
  processZone: string,
): Read<WrittenSchedule> {
  const delay = options.initialDelay ?? 0;
  if (typeof delay !== 'number' || !(delay >= 0) || delay === Infinity) {
    return refuse('initialDelay', delay, 'It must be milliseconds, 0 or more.', 'Leave it out for none.');
  }
  const initialDelayMs = Math.ceil(delay);
  const zone = zoneOf(options.timeZone, options.utcOffset, processZone);
  if (!zone.ok) return zone;
  if (typeof cronTime === 'string') {
    return { ok: true, value: { kind: 'cron', pattern: patternOf(cronTime), zone: zone.value, initialDelayMs } };
  }
  const at = instantOf(cronTime);
  if (at !== null && !Number.isNaN(at)) return { ok: true, value: { kind: 'date', at: Math.ceil(at), initialDelayMs } };
  return refuse(
    'cronTime',
    cronTime,
    at === null ? 'It is neither a text nor a date.' : 'It is an invalid date.',
    'Write a cron pattern (0 3 * * *), a Date, or a Luxon DateTime.',
  );
}

/** null: no date at all. NaN: an invalid one. By its shape, since the host's Luxon may be another one. */
function instantOf(value: unknown): number | null {
  if (value instanceof Date) return value.getTime();
  const like = value as Partial<DateTimeLike> | null | undefined;
  if (typeof like !== 'object' || like === null || typeof like.toMillis !== 'function') return null;
  return like.isValid === false ? NaN : like.toMillis();
}

function readMs(decorator: 'Interval' | 'Timeout', timeout: unknown): Read<WrittenSchedule> {
  const least = decorator === 'Interval' ? 1 : 0;
  const ms = typeof timeout === 'number' ? Math.trunc(timeout) : NaN;
  if (!Number.isSafeInteger(ms) || ms < least) {
    const remedy = `Write @${decorator}(1000), or @${decorator}('name', 1000).`;
    return refuse('timeout', timeout, `It must be milliseconds, ${least} or more.`, remedy);
  }
  return {
    ok: true,
    value: decorator === 'Interval' ? { kind: 'interval', everyMs: ms } : { kind: 'timeout', afterMs: ms },
  };
}

const own = ['tag', 'affinity', 'overlap', 'misfire', 'policies', 'jitter', 'revision'];
const ofCron = [
  ...['name', 'timeZone', 'utcOffset', 'unrefTimeout', 'waitForCompletion', 'disabled', 'threshold', 'initialDelay'],
  ...own,
];

function unknownOptions({ decorator, options }: DeclaredMethod): Refusal[] {
  const known = decorator === 'Cron' ? ofCron : own;
  return Object.keys(options)
    .filter((key) => !known.includes(key) && options[key] !== undefined)
    .map((key) => ({
      code: 'unknown-option',
      field: key.slice(0, 64),
      value: typeof options[key],
      rule: `@${decorator} has no such option.`,
      remedy:
        key === 'runOnInit'
          ? 'Add a method with @Timeout(0) that does the same.'
          : `Leave it out, or use one of: ${known.join(', ')}.`,
    }));
}

/** A refusal of the job, said of the decorator's arguments. */
function asWritten(refusal: Refusal, method: DeclaredMethod): Refusal {
  const { field } = refusal;
  if (field === 'schedule.pattern' && method.decorator === 'Cron') {
    return { ...refusal, field: 'cronTime', value: String(method.cronTime).slice(0, 100) };
  }
  if (field === 'schedule.zone' && method.decorator === 'Cron') {
    const offset = method.options.utcOffset != null;
    return { ...refusal, field: offset ? 'utcOffset' : 'timeZone' };
  }
  if (policyOptions.some((policy) => field.startsWith(`policies.${policy}`) && method.options[policy] !== undefined)) {
    return { ...refusal, field: field.slice('policies.'.length) };
  }
  if (field === 'schedule.start') return { ...refusal, field: 'initialDelay' };
  if (field === 'schedule.at' || field === 'schedule.every') {
    return { ...refusal, field: method.decorator === 'Cron' ? 'cronTime' : 'timeout' };
  }
  if (field === 'schedule.jitter') return { ...refusal, field: 'jitter' };
  return field === 'jobId' || field === 'handler' ? { ...refusal, field: 'name' } : refusal;
}
