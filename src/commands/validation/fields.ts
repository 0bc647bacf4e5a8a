import { defineSchedule, readInstant } from '../../domain/schedule';
import { canonicalMisfire, MOST_ALLOWED, type JobPolicies, type MisfireInput, type Overlap } from '../../domain/job';
import type { Refusal } from '../../domain/refusal';
import { misfire } from './misfire';
import {
  isPlain,
  isRecord,
  missing,
  nothingWrong,
  nullable,
  number,
  object,
  oneOf,
  optional,
  refusal,
  text,
  whole,
  type Check,
} from './check';

const ID = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;
const MAX_TAG_PAIRS = 32;
const MAX_TAG_KEY = 64;
const MAX_TAG_VALUE = 256;
/** Keys that reach a prototype when somebody copies the dictionary with assignments. */
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Job, service, incarnation and command ids, handler names: 1 to 128 letters, digits and `. _ : @ -`, the first a letter or digit. */
export const id: Check = (value, field) => {
  if (value === undefined) return missing(field);
  if (typeof value === 'string' && ID.test(value)) return nothingWrong;
  return refusal(
    'bad-id',
    field,
    value,
    'It must have 1 to 128 characters: letters, digits and . _ : @ - only, the first a letter or a digit.',
    'Choose another one, for example a UUID.',
  );
};

export const handlerName: Check = id;

/** Why somebody did something, for the log. */
export const reason: Check = text(500);

/** A flat dictionary of strings. */
export const dictionary: Check = (value, field) => {
  if (value === undefined) return missing(field);
  if (!isRecord(value) || !isPlain(value)) {
    return refusal(
      'bad-tag',
      field,
      value,
      'It must be a flat object of strings.',
      'Pass an object such as { "name": "audit" }.',
    );
  }
  const pairs = Object.entries(value);
  if (pairs.length > MAX_TAG_PAIRS) {
    return refusal(
      'bad-tag',
      field,
      `${pairs.length} pairs`,
      `At most ${MAX_TAG_PAIRS} pairs are allowed.`,
      'Leave some out.',
    );
  }
  return pairs.flatMap(([key, entry]) => pair(key, entry, field));
};

function pair(key: string, value: unknown, field: string): readonly Refusal[] {
  const path = `${field}.${key.slice(0, MAX_TAG_KEY)}`;
  if (key.length < 1 || key.length > MAX_TAG_KEY) {
    return refusal('bad-tag', path, key, `A key must have 1 to ${MAX_TAG_KEY} characters.`, 'Choose another key.');
  }
  if (FORBIDDEN_KEYS.has(key)) return refusal('bad-tag', path, key, 'This key is not allowed.', 'Choose another key.');
  if (typeof value !== 'string') {
    return refusal('bad-tag', path, value, 'A value must be a string; nothing is nested.', 'Pass a string.');
  }
  if (value.length > MAX_TAG_VALUE) {
    return refusal('bad-tag', path, value, `A value may have ${MAX_TAG_VALUE} characters.`, 'Shorten it.');
  }
  return nothingWrong;
}

/** What `defineSchedule` takes; refusals name `schedule.…`. */
export const schedule: Check = (value, field) => {
  if (value === undefined) return missing(field);
  if (!isRecord(value)) {
    return refusal(
      'bad-schedule',
      field,
      value,
      'It must be an object.',
      'Pass { "kind": "once" }, "interval", "cron" or "calendar" with its fields.',
    );
  }
  const defined = defineSchedule(value as never);
  return defined.ok ? nothingWrong : [defined.refusal];
};

/** A moment, as `readInstant` takes it. */
export const instant: Check = (value, field) => {
  if (value === undefined) return missing(field);
  const read = readInstant(value, field);
  return read.ok ? nothingWrong : [read.refusal];
};

export const affinity: Check = oneOf('required', 'preferred');

const overlapWords: readonly unknown[] = ['skip', 'queue', 'replace'];

/** What happens to a slot that falls while another is in progress. */
export const overlap: Check = (value, field) => {
  if (overlapWords.includes(value)) return nothingWrong;
  if (isRecord(value)) {
    const wrong = object({ allow: whole(2, MOST_ALLOWED) })(value, field);
    return value.allow === 1
      ? refusal('out-of-range', `${field}.allow`, 1, 'One run at a time is no concurrency.', "Use 'skip', or 'queue'.")
      : wrong;
  }
  const rule = `Allowed: skip, queue, replace, { allow: 2 … ${MOST_ALLOWED} }.`;
  return refusal('not-allowed', field, value, rule, 'Pass one of them.');
};

/** Policies that are not given have their defaults. */
export const policies: Check = (value, field) => {
  const wrong = object({
    retry: optional(
      object({
        maxRetries: optional(whole(0, 1_000)),
        initialMs: optional(whole(0)),
        factor: optional(number(1, 1_000)),
        maxMs: optional(whole(0)),
      }),
    ),
    overlap: optional(overlap),
    misfire: optional(misfire),
    onOwnerLoss: optional(oneOf('rerun', 'fail', 'hold')),
    onStuck: optional(oneOf('release', 'wait')),
    timeoutMs: optional(nullable(whole(1, 2_147_483_647))),
    priority: optional(whole(-1_000, 1_000)),
  })(value, field);
  if (wrong.length > 0) return wrong;
  const { retry } = withDefaults(value as PoliciesInput);
  if (retry.maxMs >= retry.initialMs) return nothingWrong;
  return refusal(
    'out-of-range',
    `${field}.retry.maxMs`,
    retry.maxMs,
    `The longest delay must not be shorter than the first one (initialMs ${retry.initialMs}).`,
    'Raise maxMs or lower initialMs.',
  );
};

/** Policies as people write them: what is left out has its default. */
export type PoliciesInput = Partial<Omit<JobPolicies, 'retry' | 'misfire'>> & {
  readonly retry?: Partial<JobPolicies['retry']>;
  /** A word, or the policy with what is to differ from its defaults. */
  readonly misfire?: MisfireInput;
};

export const defaultPolicies: JobPolicies = {
  retry: { maxRetries: 0, initialMs: 1_000, factor: 2, maxMs: 300_000 },
  overlap: 'skip',
  misfire: 'once',
  onOwnerLoss: 'rerun',
  onStuck: 'release',
  timeoutMs: null,
  priority: 0,
};

/** Completes policies; what `input` leaves out (or gives as undefined) is taken from `base`. */
export function withDefaults(input: PoliciesInput = {}, base: JobPolicies = defaultPolicies): JobPolicies {
  const { misfire = base.misfire, retry = {}, ...rest } = input;
  return {
    ...base,
    ...given(rest),
    overlap: copied(rest.overlap ?? base.overlap),
    misfire: canonicalMisfire(misfire),
    retry: { ...base.retry, ...given(retry) },
  };
}

/** What the log holds must not change when the caller goes on using the object. */
function copied(overlap: Overlap): Overlap {
  return typeof overlap === 'object' ? { allow: overlap.allow } : overlap;
}

function given<T extends object>(input: T): Partial<T> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Partial<T>;
}
