import type { Refusal } from '../../domain/refusal';
import {
  isRecord,
  missing,
  nothingWrong,
  nullable,
  object,
  oneOf,
  optional,
  refusal,
  whole,
  type Check,
} from './check';

const MOST_MS = 8_640_000_000_000;
const word = oneOf('skip', 'once', 'all');
const fields = object({
  policy: word,
  run: optional(oneOf('latest', 'earliest')),
  cap: optional(whole(1, 10_000)),
  maxAgeMs: optional(nullable(whole(1, MOST_MS))),
  thresholdMs: optional(whole(0, MOST_MS)),
  onResume: optional(word),
});

/** A misfire policy: a word, or an object of its fields. A field that would have no effect is refused: whoever wrote it meant something by it. */
export const misfire: Check = (value, field) => {
  if (value === undefined) return missing(field);
  if (typeof value === 'string') return word(value, field);
  if (!isRecord(value)) {
    const rule = 'It must be skip, once, all, or an object with a policy.';
    return refusal('wrong-type', field, value, rule, "Pass 'once', or { policy: 'all', cap: 24 }.");
  }
  const wrong = fields(value, field);
  return wrong.length > 0 ? wrong : [...without(value, field)];
};

function* without(value: Readonly<Record<string, unknown>>, field: string): Iterable<Refusal> {
  const { policy, onResume } = value;
  const runs = (one: unknown) => policy === one || onResume === one;
  const only = (name: string, of: string): readonly Refusal[] =>
    value[name] === undefined || runs(of)
      ? nothingWrong
      : refusal(
          'not-allowed',
          `${field}.${name}`,
          value[name],
          `It belongs to the policy ${of}; this one is ${String(policy)}.`,
          `Leave it out, or choose ${of} as policy or onResume.`,
        );
  yield* only('run', 'once');
  yield* only('cap', 'all');
  yield* only('maxAgeMs', 'all');
  if (value.thresholdMs !== undefined && policy === 'all') {
    const rule = 'Under the policy all each slot is run, late or missed.';
    yield* refusal('not-allowed', `${field}.thresholdMs`, value.thresholdMs, rule, 'Leave it out, or use maxAgeMs.');
  }
}
