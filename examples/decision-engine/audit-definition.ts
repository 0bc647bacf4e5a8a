import type { Affinity, Refusal, ScheduleInput, Tag } from 'holdfast';
import { auditTypes, type AuditChanges, type AuditPayload, type AuditSpec } from './audit';
import { approachOf } from './strategies';

/** An audit as the job that it is. */
export interface AuditDefinition {
  readonly payload: AuditPayload;
  readonly schedule: ScheduleInput;
  readonly policies: typeof policies;
  readonly tag: Tag;
  readonly affinity: Affinity;
}

type Defined =
  | { readonly ok: true; readonly value: AuditDefinition }
  | { readonly ok: false; readonly refusals: readonly [Refusal, ...Refusal[]] };

/** A failure is tried again after 1, 2 and 4 s; after that the audit goes on with its next slot. */
const policies = { retry: { maxRetries: 3, initialMs: 1_000, factor: 2 } } as const;

/**
 * An EVENT audit has no slot that anyone lives to see: it runs when it is triggered, beside its schedule. (A job without any slot does not exist.)
 */
const NEVER = '9999-12-31T00:00:00.000Z';

/** Everything that is wrong with an audit, or its job. The schedule itself is judged where the job is decided on. */
export function defineAudit(spec: Omit<AuditSpec, 'id'>): Defined {
  const { type, goal, strategy, parameters, scope = {}, tag = {}, affinity = 'required', observeMs = 0 } = spec;
  const refusals: Refusal[] = [];
  if (!auditTypes.includes(type)) {
    const remedy = `Choose one of ${auditTypes.join(', ')}.`;
    refusals.push({ code: 'bad-type', field: 'type', value: String(type), rule: 'There is no such type.', remedy });
  } else refusals.push(...timesOf(spec));
  const approach = approachOf(goal, strategy, parameters);
  if (!approach.ok) refusals.push(...approach.refusals);
  refusals.push(...scopeFaults(scope));
  if (!(Number.isFinite(observeMs) && observeMs >= 0)) {
    const rule = 'It is a number of milliseconds, 0 or more.';
    const remedy = 'Correct it, or leave it out.';
    refusals.push({ code: 'bad-observation', field: 'observeMs', value: String(observeMs), rule, remedy });
  }
  const [first, ...others] = refusals;
  if (first !== undefined || !approach.ok) return { ok: false, refusals: [first, ...others] };
  const { interval = null, zone = null, start = null, end = null } = spec;
  const payload = { type, ...approach.value, scope, interval, zone, start, end, observeMs };
  return { ok: true, value: { payload, schedule: scheduleOf(payload), policies, tag, affinity } };
}

/** An audit after changes: what they leave out stays, but another goal brings its own strategy, and another strategy its own parameters. */
export function changedAudit(
  { payload, tag, affinity }: Pick<AuditDefinition, 'payload' | 'tag' | 'affinity'>,
  changes: AuditChanges,
): Defined {
  const { goal = payload.goal, strategy = changes.goal === undefined ? payload.strategy : undefined } = changes;
  const approach = approachOf(goal, strategy);
  const same = approach.ok && approach.value.strategy === payload.strategy;
  const { parameters = same ? payload.parameters : undefined } = changes;
  const kept = {
    type: payload.type,
    scope: changes.scope ?? payload.scope,
    interval: changes.interval ?? payload.interval ?? undefined,
    zone: changes.zone ?? (changes.interval === undefined ? (payload.zone ?? undefined) : undefined),
    start: (changes.start === undefined ? payload.start : changes.start) ?? undefined,
    end: (changes.end === undefined ? payload.end : changes.end) ?? undefined,
    observeMs: changes.observeMs ?? payload.observeMs,
  };
  return defineAudit({
    ...kept,
    goal,
    strategy,
    parameters,
    tag: changes.tag ?? tag,
    affinity: changes.affinity ?? affinity,
  });
}

const isSeconds = (interval: string) => /^\d+$/.test(interval);
const isDuration = (interval: string) => /^P/i.test(interval);

/** Only a CONTINUOUS audit has an interval and a window. */
function timesOf({ type, interval, zone, start, end }: Omit<AuditSpec, 'id'>): readonly Refusal[] {
  if (type === 'CONTINUOUS') {
    if (interval === undefined || interval === '') {
      const rule = 'A CONTINUOUS audit has an interval.';
      const remedy = 'Give seconds (300), a duration (PT5M) or a cron pattern (*/5 * * * *).';
      return [{ code: 'no-interval', field: 'interval', value: '', rule, remedy }];
    }
    if (zone !== undefined && (isSeconds(interval) || isDuration(interval))) {
      const rule = 'Only a cron pattern has a zone: an interval is elapsed time.';
      return [{ code: 'zone-not-allowed', field: 'zone', value: zone, rule, remedy: 'Leave it out.' }];
    }
    return [];
  }
  const rule = `A ${type} audit has none.`;
  const remedy = 'Leave it out, or make the audit CONTINUOUS.';
  return Object.entries({ interval, zone, start, end }).flatMap(([field, value]) =>
    value === undefined ? [] : [{ code: `${field}-not-allowed`, field, value: String(value), rule, remedy }],
  );
}

function scheduleOf({ type, interval, zone, start, end }: AuditPayload): ScheduleInput {
  if (type === 'ONESHOT') return { kind: 'once' };
  if (type === 'EVENT' || interval === null) return { kind: 'once', at: NEVER };
  const window = { ...(start !== null && { start }), ...(end !== null && { end }) };
  if (isSeconds(interval)) return { kind: 'interval', every: Number(interval) * 1_000, ...window };
  if (isDuration(interval)) return { kind: 'interval', every: interval, ...window };
  return { kind: 'cron', pattern: interval, ...(zone !== null && { zone }), ...window };
}

/** `schedule.pattern` and its like are this code's words; people wrote `interval`. */
export function inWordsOfAudits(refusal: Refusal): Refusal {
  const own: { readonly [field: string]: string } = {
    'schedule.pattern': 'interval',
    'schedule.every': 'interval',
    'schedule.zone': 'zone',
    'schedule.start': 'start',
    'schedule.end': 'end',
    schedule: 'interval',
    jobId: 'id',
  };
  return { ...refusal, field: own[refusal.field] ?? refusal.field };
}

const names = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === 'string');

function scopeFaults(scope: unknown): readonly Refusal[] {
  const refuse = (field: string, value: unknown, rule: string, remedy: string): Refusal => ({
    code: 'bad-scope',
    field,
    value: (JSON.stringify(value) ?? String(value)).slice(0, 100),
    rule,
    remedy,
  });
  const objects = (at: string, value: unknown, known: readonly string[]): readonly Refusal[] => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return [refuse(at, value, 'It is an object.', `Give some of ${known.join(', ')}, or {} for all.`)];
    return Object.keys(value).flatMap((key) =>
      known.includes(key)
        ? []
        : [refuse(`${at}.${key}`, key, 'There is no such part of a scope.', `Use ${known.join(', ')}.`)],
    );
  };
  const lists = (at: string, value: object, keys: readonly string[]): readonly Refusal[] =>
    keys.flatMap((key) => {
      const list = (value as { readonly [key: string]: unknown })[key];
      const rule = 'It is a list of names.';
      return list === undefined || names(list) ? [] : [refuse(`${at}.${key}`, list, rule, 'Give a list of strings.')];
    });
  const outer = objects('scope', scope, ['zones', 'hosts', 'exclude']);
  if (typeof scope !== 'object' || scope === null) return outer;
  const exclude: unknown = (scope as { readonly exclude?: unknown }).exclude ?? {};
  const inner = objects('scope.exclude', exclude, ['hosts', 'instances']);
  return [
    ...outer,
    ...lists('scope', scope, ['zones', 'hosts']),
    ...inner,
    ...(typeof exclude === 'object' && exclude !== null ? lists('scope.exclude', exclude, ['hosts', 'instances']) : []),
  ];
}
