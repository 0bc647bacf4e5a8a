import fc from 'fast-check';
import { decode } from '../../src/domain/codec';
import {
  absentJob,
  dueAt,
  isSuspect,
  evolve,
  openRuns,
  statusOf,
  type JobEvent,
  type JobRecord,
  type JobState,
} from '../../src/domain/job';
import {
  absentService,
  evolveService,
  evolveUnreadableService,
  isTerminal,
  type ServiceEvent,
  type ServiceState,
} from '../../src/domain/service';
import type { LogPosition, RecordedEvent } from '../../src/event-store';
import type { OwnJobs, SqliteReadModel } from '../../src/read-model';
import * as a from './a-log';

const JOBS = ['j0', 'j1', 'j2'];
const SERVICES = ['s0', 's1'];
const incarnations = (serviceId: string) => [`${serviceId}-1`, `${serviceId}-2`];
const HANDLERS = ['audit', 'other'];

interface Step {
  readonly subject: number;
  readonly kind: number;
  readonly owner: number;
  readonly life: number;
  readonly number: number;
  /** The view applies what there is before the next step. */
  readonly apply: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({
  subject: fc.nat(JOBS.length + SERVICES.length - 1),
  kind: fc.nat(15),
  owner: fc.nat(SERVICES.length),
  life: fc.nat(1),
  number: fc.nat(4),
  apply: fc.boolean(),
});

/** Any event at any time: the fold refuses nothing, so neither may the view. */
function jobEvent(jobId: string, { kind, owner, life, number }: Step): JobEvent {
  // The last owner never registers.
  const serviceId = SERVICES[owner] ?? 'ghost';
  const incarnation = incarnations(serviceId)[life];
  const epoch = number + 1;
  const due = number === 0 ? null : 30 * number;
  const of = a.run(incarnation, a.slot(60 * number), 1 + (number % 2), epoch);
  const changes = { handler: HANDLERS[life], priority: number % 3, tag: { n: String(number), owner: serviceId } };
  const choices: readonly (() => JobEvent)[] = [
    () => a.scheduled(jobId, due, changes),
    () => a.bound(serviceId, incarnation, epoch),
    () => a.bound(serviceId, incarnation, epoch),
    () => a.bound(serviceId, incarnation, epoch),
    () => a.started(serviceId, of, a.slot(60 * number + 60)),
    () => a.started(serviceId, of, null),
    () => a.succeeded(of),
    () => a.failed(of, number === 0 ? null : a.T0 + number),
    () => a.abandoned(of),
    () => a.released(serviceId, incarnation, epoch, number % 2 === 0 ? null : SERVICES[number % SERVICES.length]),
    () => a.requeued(serviceId, incarnation, epoch),
    () => a.paused,
    () => a.resumed(a.slot(60 * number)),
    () => (number === 0 ? a.cancelled : a.scheduled(jobId, 60 * number, changes)),
    () => (number === 0 ? a.removed : a.bound(serviceId, incarnation, epoch)),
    () => ({ type: 'JobQuarantined', data: { at: a.T0, crashes: 3, windowMs: 1 } }),
  ];
  return choices[kind % choices.length]();
}

function serviceEvent(serviceId: string, { kind, life }: Step): ServiceEvent {
  const incarnation = incarnations(serviceId)[life];
  const choices = [
    a.registered(serviceId, incarnation),
    a.registered(serviceId, incarnation),
    a.markedFailed(serviceId, incarnation),
    a.stopped(serviceId, incarnation),
  ];
  return choices[kind % choices.length];
}

/** The fold of all events, without any of the view's code. */
class Folded {
  readonly jobs = new Map<string, { state: JobState; position: bigint }>();
  readonly services = new Map<string, ServiceState>();

  constructor(events: readonly RecordedEvent[]) {
    for (const { stream, type, data, metadata, revision, position } of events) {
      const id = stream.slice(stream.indexOf('-') + 1);
      const event = decode(type, data, metadata);
      if (stream.startsWith('job-')) {
        const state = this.jobs.get(id)?.state ?? absentJob;
        this.jobs.set(id, { state: evolve(state, event as JobEvent, revision), position });
      } else {
        const state = this.services.get(id) ?? absentService(id);
        const next =
          event.type === '$unreadable'
            ? evolveUnreadableService(state, { revision, type, why: event.why })
            : evolveService(state, event as ServiceEvent, revision);
        this.services.set(id, next);
      }
    }
  }

  live(): readonly JobRecord[] {
    return [...this.jobs.values()].flatMap(({ state }) => (state.stage === 'live' ? [state] : []));
  }

  /** By next run time, nothing pending last, then id. */
  ordered(records: readonly JobRecord[]): readonly string[] {
    return [...records]
      .sort((x, y) => (dueAt(x) ?? Infinity) - (dueAt(y) ?? Infinity) || (x.jobId < y.jobId ? -1 : 1))
      .map((record) => record.jobId);
  }
}

function compare(view: SqliteReadModel, events: readonly RecordedEvent[]): void {
  const folded = new Folded(events);
  const rows = view.jobs({ includeRemoved: true }, { limit: 100 }).rows;
  expect(rows.map((row) => row.jobId)).toEqual([...folded.jobs.keys()].sort());
  for (const [jobId, { state, position }] of folded.jobs) {
    const row = view.job(jobId)!;
    expect(row.state).toEqual(state);
    expect(row.position).toBe(position);
    if (state.stage === 'opaque') {
      expect(row).toMatchObject({ status: 'opaque', nextRunTime: null, incarnation: null, revision: state.revision });
      continue;
    }
    const record = state as JobRecord;
    const owner = record.stage === 'live' && record.ownership.kind === 'bound' ? record.ownership : null;
    expect(row).toMatchObject({
      status: statusOf(record),
      nextRunTime: dueAt(record),
      serviceId: owner?.serviceId ?? null,
      incarnation: owner?.incarnation ?? null,
      handler: record.definition.handler,
      tag: record.definition.tag,
      epoch: record.epoch,
      revision: record.revision,
      lastOutcome: record.lastOutcome,
    });
    expect(
      view.jobs({ tag: record.definition.tag, includeRemoved: true }, { limit: 100 }).rows.map((r) => r.jobId),
    ).toContain(jobId);
  }
  compareServices(view, folded);
  compareOwners(view, folded);
}

function compareServices(view: SqliteReadModel, folded: Folded): void {
  for (const [serviceId, state] of folded.services) {
    expect(view.service(serviceId)).toMatchObject({ revision: state.revision, incarnations: state.incarnations });
  }
  const sweep = view.sweep(100);
  const current = [...folded.services.values()].flatMap((state) => state.incarnations.at(-1) ?? []);
  expect(sweep.candidates.map((one) => one.incarnation)).toEqual(
    current
      .filter((one) => !isTerminal(one))
      .map((one) => one.incarnation)
      .sort(),
  );
  for (const { serviceId, incarnation } of sweep.candidates) {
    const running = folded
      .live()
      .filter(({ ownership: o }) => o.kind === 'bound' && o.serviceId === serviceId && o.incarnation === incarnation)
      .filter((record) => openRuns(record).length > 0);
    expect(sweep.loads.get(serviceId)).toMatchObject({
      running: runsOf(running),
      suspects: runsOf(running.filter((record) => isSuspect(record))),
      coming: folded.live().filter(({ ownership: o }) => o.kind === 'unbound' && o.target === serviceId).length,
    });
  }
  expect(sweep.unowned.map((row) => row.jobId)).toEqual(
    folded.ordered(folded.live().filter((record) => record.ownership.kind === 'unbound')),
  );
  const gone = folded.live().filter(({ ownership }) => {
    if (ownership.kind === 'unbound') return false;
    const service = folded.services.get(ownership.serviceId);
    const owner = service?.incarnations.findLast((one) => one.incarnation === ownership.incarnation);
    return owner === undefined ? service === undefined || service.unreadable === null : isTerminal(owner);
  });
  expect(sweep.orphaned.map(({ job }) => job.jobId)).toEqual(folded.ordered(gone));
}

function compareOwners(view: SqliteReadModel, folded: Folded): void {
  for (const serviceId of [...SERVICES, 'ghost']) {
    const own = view.ownJobs(serviceId);
    for (const incarnation of incarnations(serviceId)) {
      const mine = folded
        .live()
        .filter(({ ownership: o }) => o.kind === 'bound' && o.serviceId === serviceId && o.incarnation === incarnation);
      const running = mine.filter((record) => openRuns(record).length > 0);
      expect(own.count(incarnation)).toEqual({ owned: mine.length, running: runsOf(running) });
      expect(own.all(incarnation, null, 100).map((row) => row.jobId)).toEqual(mine.map((r) => r.jobId).sort());
      expect(placed(own, incarnation)).toEqual(mine.map((r) => r.jobId).sort());
      expect(own.withOpenRun(incarnation).map((row) => row.jobId)).toEqual(running.map((r) => r.jobId).sort());
      const at = a.T0 + 120_000;
      const due = mine
        .filter((record) => (dueAt(record) ?? Infinity) <= at)
        .sort(
          (x, y) =>
            y.definition.policies.priority - x.definition.policies.priority ||
            dueAt(x)! - dueAt(y)! ||
            (x.jobId < y.jobId ? -1 : 1),
        )
        .map((record) => record.jobId);
      expect(own.due(incarnation, at, 100).map((row) => row.jobId)).toEqual(due);
      const suspects = new Set(mine.filter((record) => isSuspect(record)).map((record) => record.jobId));
      expect(own.due(incarnation, at, 100).map((row) => row.suspect)).toEqual(due.map((jobId) => suspects.has(jobId)));
      expect(own.due(incarnation, at, 100, { suspects: true }).map((row) => row.jobId)).toEqual(
        due.filter((jobId) => !suspects.has(jobId)),
      );
      const later = mine.flatMap((record) => dueAt(record) ?? []).filter((time) => time > at);
      expect(own.nextDueTime(incarnation, at)).toBe(later.length === 0 ? null : Math.min(...later));
    }
  }
}

/** Open runs of all of them. */
function runsOf(records: readonly JobRecord[]): number {
  return records.reduce((sum, record) => sum + openRuns(record).length, 0);
}

/** All that is owned, in the order in which it came here, read two at a time. */
function placed(own: OwnJobs, incarnation: string): readonly string[] {
  const found: string[] = [];
  for (let after: LogPosition = 'start'; ;) {
    const { rows, through } = own.placedAfter(incarnation, after, 2);
    found.push(...rows.map((row) => row.jobId));
    if (rows.length < 2) return found.sort();
    after = through;
  }
}

describe('I7: the view at a position equals the fold of all events up to it', () => {
  it.each([
    ['readable events', 0],
    ['some that cannot be read', 25],
  ])(
    '%s',
    async (_, unreadablePercent) => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(99)), { minLength: 30, maxLength: 90 }), async (steps) => {
          const log = new a.ALog();
          try {
            const view = await log.view();
            // Jobs begin with their definition, as the executor's do.
            for (const id of JOBS) await log.job(id, a.scheduled(id));
            for (const [one, lot] of steps) {
              const job = JOBS[one.subject];
              const service = SERVICES[one.subject - JOBS.length];
              const stream = job === undefined ? `service-${service}` : `job-${job}`;
              if (lot < unreadablePercent && one.kind === 0) await log.raw(stream, 'JobTeleported', '{}');
              else if (job !== undefined) await log.job(job, jobEvent(job, one));
              else await log.service(service, serviceEvent(service, one));
              if (!one.apply) continue;
              await log.applied(view);
              compare(view, (await log.store.readAll({ after: 'start', limit: 1_000 })).events);
            }
            await log.applied(view);
            const all = (await log.store.readAll({ after: 'start', limit: 1_000 })).events;
            compare(view, all);
            // And one that begins now, in one batch.
            compare(await log.view(), all);
            // And one that is rebuilt as those of long logs are.
            log.longAfter = 0;
            compare(await log.view(), all);
          } finally {
            await log.close();
          }
        }),
        { numRuns: 25 },
      );
    },
    120_000,
  );
});
