import { misfire, schedules, shapes, type Shape } from '../../src/domain/codec/shapes';
import type {
  JobCompleted,
  JobHoldResolved,
  JobReleased,
  JobRequeued,
  JobRunAbandoned,
  JobSlotsSkipped,
} from '../../src/domain/job';
import type { ServiceMarkedFailed, ServiceRegistered } from '../../src/domain/service';
import type { RecordedEvent } from '../../src/event-store';

/** What the codec takes, and no decider writes. */
const neverWritten = new Set([
  // A schedule that never fires is refused.
  'JobScheduled.nextSlot: null',
  // As here: it stays where it is then.
  'JobNextSlotRecomputed.nextSlot: null',
  // After the end none is pending.
  'JobEndSet.nextSlot',
  'JobEndSet.nextDueAt',
  // Reserved: slots that fall in a quarantine are coalesced after it, and an end leaves none to skip.
  'JobSlotsSkipped.reason: quarantined',
  'JobSlotsSkipped.reason: ended',
]);

/** Words that the fold or its readers go by, though the codec takes any: a new one does not compile here until it is named. */
const words: {
  readonly JobRunAbandoned: { readonly reason: Words<JobRunAbandoned['data']['reason']> };
  readonly JobSlotsSkipped: { readonly reason: Words<JobSlotsSkipped['data']['reason']> };
  readonly JobReleased: { readonly reason: Words<JobReleased['data']['reason']> };
  readonly JobRequeued: { readonly cause: Words<JobRequeued['data']['cause']> };
  readonly JobHoldResolved: { readonly resolution: Words<JobHoldResolved['data']['resolution']> };
  readonly JobCompleted: { readonly outcome: Words<JobCompleted['data']['outcome']> };
  readonly ServiceRegistered: { readonly reason: Words<ServiceRegistered['data']['reason']> };
  readonly ServiceMarkedFailed: { readonly by: Words<ServiceMarkedFailed['data']['by']> };
} = {
  JobRunAbandoned: {
    reason: {
      ownerFailed: 1,
      ownerStopped: 1,
      ownerMarked: 1,
      ownerUnregistered: 1,
      fail: 1,
      hold: 1,
      lostInProcess: 1,
      drain: 1,
      stuck: 1,
      cancelled: 1,
      replaced: 1,
    },
  },
  JobSlotsSkipped: {
    reason: {
      coalesced: 1,
      misfire: 1,
      tooOld: 1,
      overCap: 1,
      overlap: 1,
      paused: 1,
      held: 1,
      rescheduled: 1,
      cancelled: 1,
      quarantined: 1,
      ended: 1,
      stuck: 1,
      replaced: 1,
    },
  },
  JobReleased: { reason: { drain: 1, ineligible: 1, stuck: 1, home: 1, rebalance: 1, late: 1, moved: 1 } },
  JobRequeued: { cause: { failed: 1, stopped: 1, marked: 1, unregistered: 1 } },
  JobHoldResolved: { resolution: { retry: 1, fail: 1, succeeded: 1 } },
  JobCompleted: { outcome: { succeeded: 1, failed: 1 } },
  ServiceRegistered: { reason: { start: 1, falselyFailed: 1 } },
  ServiceMarkedFailed: { by: { observer: 1, operator: 1 } },
};
type Words<Word extends string> = { readonly [word in Word]: 1 };

type Data = Readonly<Record<string, unknown>>;

/**
 * What the codec knows and no event of these has: types, versions, fields (each with null and without where it may be null), and words.
 * @param readable `type@newest version`.
 */
export function whatIsMissing(
  events: readonly RecordedEvent[],
  readable: readonly string[],
  known: { readonly [type: string]: Shape } = shapes,
): string[] {
  const missing: string[] = [];
  const byType = new Map<string, Data[]>();
  const versions = new Set<string>();
  for (const { type, data, metadata } of events) {
    byType.set(type, [...(byType.get(type) ?? []), JSON.parse(data) as Data]);
    versions.add(`${type}@${(JSON.parse(metadata) as { schemaVersion?: number }).schemaVersion ?? 1}`);
  }
  for (const one of readable) {
    const [type, newest] = one.split('@');
    for (let version = 1; version <= Number(newest); version += 1) {
      if (!versions.has(`${type}@${version}`)) missing.push(`${type}, version ${version}`);
    }
  }
  for (const [type, shape] of Object.entries(known))
    missing.push(...fieldsMissing(byType.get(type) ?? [], shape, type));
  if (known !== shapes) return missing;
  for (const [type, fields] of Object.entries(words)) {
    const shape = Object.fromEntries(Object.entries(fields).map(([field, of]) => [field, Object.keys(of as object)]));
    missing.push(...fieldsMissing(byType.get(type) ?? [], shape, type));
  }
  const all = [...(byType.get('JobScheduled') ?? []), ...(byType.get('JobRescheduled') ?? [])];
  for (const [kind, shape] of Object.entries(schedules)) {
    const of = all
      .map(({ definition }) => (definition as { schedule: Data }).schedule)
      .filter((one) => one.kind === kind);
    missing.push(...fieldsMissing(of, shape, `schedule ${kind}`));
  }
  const overlaps = new Set(all.map(({ definition }) => overlapOf(definition as { policies: Data })));
  for (const one of ['skip', 'queue', 'replace', 'allow']) if (!overlaps.has(one)) missing.push(`overlap ${one}`);
  const policies = all.map(({ definition }) => (definition as { policies: Data }).policies.misfire);
  missing.push(
    ...fieldsMissing([{ misfire: policies.find((one) => one === 'skip') }], { misfire: ['skip'] }, 'policies'),
  );
  const rules = policies.filter((one): one is Data => typeof one === 'object');
  missing.push(...fieldsMissing(rules, misfire, 'policies.misfire'));
  return missing.filter((one) => !neverWritten.has(one));
}

function overlapOf({ policies: { overlap } }: { readonly policies: Data }): unknown {
  return typeof overlap === 'object' && overlap !== null ? Object.keys(overlap)[0] : overlap;
}

function fieldsMissing(found: readonly Data[], shape: Shape, path: string): string[] {
  return Object.entries(shape).flatMap(([field, wanted]) => {
    const where = `${path}.${field}`;
    const values = found.map((data) => data[field]).filter((value) => value !== undefined);
    if (typeof wanted === 'string') {
      if (!wanted.endsWith('|null')) return values.length > 0 ? [] : [where];
      return [
        ...(values.some((value) => value !== null) ? [] : [where]),
        ...(values.includes(null) ? [] : [`${where}: null`]),
      ];
    }
    if (isWords(wanted)) return wanted.filter((word) => !values.includes(word)).map((word) => `${where}: ${word}`);
    return fieldsMissing(values as Data[], wanted, where);
  });
}

function isWords(wanted: readonly string[] | Shape): wanted is readonly string[] {
  return Array.isArray(wanted);
}
