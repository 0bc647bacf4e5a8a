import fc from 'fast-check';
import { openRuns, type JobCommand, type JobRecord, type RunRef } from '../../src/domain/job';
import type { Candidate } from '../../src/domain/service';
import { definition } from './healthy-log';
import { check, quarantine, Recorder, zoneData } from './recorder';

const services = ['engine@host-1', 'engine@host-2', 'other@host-3'];
const definitions = [
  definition(),
  definition({ tag: { name: 'engine' } }, { onOwnerLoss: 'hold' }),
  definition({ tag: { host: 'host-1' }, affinity: 'preferred' }, { onOwnerLoss: 'fail' }),
  definition({
    schedule: { kind: 'once', at: 'asap', start: null, end: null, maxRuns: null },
    tag: { host: 'host-2' },
  }),
  definition({
    schedule: { kind: 'cron', pattern: '*/2 * * * *', zone: 'UTC', days: 'either', start: null, end: null, maxRuns: 4 },
  }),
];
const jobs = definitions.map((_, n) => `job-${n}`);

/** Does something, or is refused: as a fleet would, with views that may be old. */
class Fleet {
  readonly log = new Recorder();
  private readonly runs = new Map<string, RunRef[]>();
  private readonly views: { readonly candidates: readonly Candidate[]; readonly position: string }[] = [];
  private incarnations = 0;

  step(action: number, a: number, b: number, dt: number): void {
    const { log } = this;
    log.now += dt;
    this.views.push({ candidates: log.candidates(), position: log.view() });
    const service = services[a % services.length];
    const job = jobs[b % jobs.length];
    if (action < 8) return this.membership(action, service, b);
    const state = log.jobState(job);
    if (action === 8 || state.stage === 'absent' || state.stage === 'opaque') {
      log.schedule(job, definitions[b % definitions.length], { renew: a % 2 === 0 });
      return;
    }
    const command = action < 12 ? this.owning(action, service, state, a) : this.asking(action, state, a);
    if (command === null) return;
    log.job(job, command, 7);
    const after = log.jobState(job);
    if (after.stage === 'absent' || after.stage === 'opaque') return;
    for (const { run } of after.inProgress) if (run !== null) this.runs.set(job, [...(this.runs.get(job) ?? []), run]);
  }

  private membership(action: number, service: string, b: number): void {
    const { log } = this;
    const state = log.serviceState(service);
    const live = state.incarnations.find((one) => one.life === 'live' || one.life === 'draining');
    if (live === undefined || action < 3) {
      this.incarnations += 1;
      const incarnation = `0172c000-0000-7000-8000-${String(this.incarnations).padStart(12, '0')}`;
      const evidence = {
        kind: 'silence' as const,
        lastBeat: 1,
        silenceMs: 7_000,
        thresholdMs: 6_000,
        membershipPosition: log.view(),
      };
      const observation = {
        incarnation: live?.incarnation ?? '',
        observer: service,
        observerIncarnation: incarnation,
        evidence,
        viewRevision: state.revision,
      };
      log.register(service, incarnation, { supersede: live === undefined ? null : observation });
      return;
    }
    const { incarnation } = live;
    const at = log.now;
    const leftovers = [] as const;
    if (action === 3) log.service(service, { kind: 'StartDrain', reason: 'x', at });
    else if (action === 4) log.service(service, { kind: 'StopService', incarnation, leftovers, at });
    else if (action === 5) log.service(service, { kind: 'ReassertService', incarnation, fencedForMs: 1, at });
    else if (action === 6) log.markFailed(service, service);
    else {
      const commandId = log.commandId();
      const confirmedDead = b % 2 === 0;
      log.service(service, {
        kind: 'MarkServiceFailed',
        by: 'operator',
        commandId,
        actor: 'ops',
        reason: 'x',
        confirmedDead,
        at,
      });
    }
  }

  private owning(action: number, service: string, state: JobRecord, a: number): JobCommand | null {
    const { log } = this;
    const view = this.views[Math.max(0, this.views.length - 1 - (a % 3))];
    const candidate = view.candidates.find((one) => one.serviceId === service);
    const common = { at: log.now, zoneData };
    const { ownership, epoch } = state;
    const why = { rank: 0, candidates: 1, first: service, placementVersion: 1, labelsMatch: true };
    const start = a % 4 !== 0;
    if (action === 9 && candidate !== undefined) {
      const by = a % 7 === 0 ? ('operator' as const) : ('claim' as const);
      const viewPosition = view.position;
      return {
        kind: 'BindJob',
        by,
        service: candidate,
        viewPosition,
        why: { ...why, kind: by },
        start,
        soleSuspect: this.sole(candidate.incarnation),
        ...common,
      };
    }
    if (ownership.kind !== 'bound') return null;
    const { serviceId, incarnation } = ownership;
    const owner = log.serviceState(serviceId).incarnations.find((one) => one.incarnation === incarnation);
    const gone = owner?.life === 'failed' || owner?.life === 'stopped';
    if (action === 10 && gone) {
      const cause = owner.life === 'stopped' ? 'stopped' : owner.failedBy === 'operator' ? 'marked' : 'failed';
      const to = log.candidates().find((one) => one.serviceId === service && one.life === 'live');
      return {
        kind: 'RequeueJob',
        gone: { serviceId, incarnation, cause },
        to:
          to === undefined
            ? null
            : { service: to, why: { ...why, kind: 'requeue' }, start, soleSuspect: this.sole(to.incarnation) },
        nobody: to === undefined ? 'nobody' : null,
        viewPosition: log.view(),
        quarantine,
        ...common,
      };
    }
    if (action === 11 && a % 5 === 0) {
      return { kind: 'ReleaseJob', serviceId, incarnation, epoch, reason: 'drain', target: null, ...common };
    }
    return { kind: 'StartRun', serviceId, incarnation, epoch, soleSuspect: this.sole(incarnation), ...common };
  }

  /** What a worker goes by: no suspect of its process has an open run. */
  private sole(incarnation: string): boolean {
    return !jobs.some((job) => {
      const state = this.log.jobState(job);
      if (state.stage === 'absent' || state.stage === 'opaque') return false;
      return openRuns(state).some((run) => run.incarnation === incarnation && run.soleSuspect === true);
    });
  }

  private asking(action: number, state: JobRecord, a: number): JobCommand | null {
    const { log } = this;
    const common = { at: log.now, zoneData };
    const asked = { ...common, commandId: log.commandId(), reason: 'x' };
    const then = { release: ([null, null, 'drain'] as const)[a % 3], startNext: a % 2 === 0 };
    const known = this.runs.get(state.jobId) ?? [];
    const run = a % 5 === 0 ? known[a % Math.max(1, known.length)] : known.at(-1);
    switch (action) {
      case 12:
      case 13:
      case 14:
        return run === undefined ? null : { kind: 'CompleteRun', run, durationMs: 1, then, ...common };
      case 15:
      case 16: {
        if (run === undefined) return null;
        const failure =
          action === 15
            ? ({ kind: 'failed', error: 'E', message: 'm' } as const)
            : ({ kind: 'timedOut', timeoutMs: 5 } as const);
        return { kind: 'FailRun', run, durationMs: 1, failure, then, ...common };
      }
      case 17: {
        const reason = (['lostInProcess', 'drain', 'stuck'] as const)[a % 3];
        const timedOut = a % 6 === 2 ? { durationMs: 5, timeoutMs: 5 } : null;
        return run === undefined ? null : { kind: 'AbandonRun', run, reason, timedOut, ...common };
      }
      case 18:
        return { kind: 'RequestRun', ...asked };
      case 19:
        return { kind: 'PauseJob', ...asked };
      case 20:
        return { kind: 'ResumeJob', ...asked };
      case 21:
        return { kind: 'ResolveHold', resolution: (['retry', 'fail', 'succeeded'] as const)[a % 3], ...asked };
      case 22:
        return { kind: 'ReleaseFromQuarantine', ...asked };
      case 23: {
        const changed = definition({ tag: state.definition.tag }, { priority: a % 10 });
        return { kind: 'RescheduleJob', definition: changed, definitionHash: JSON.stringify(changed), ...asked };
      }
      case 24:
        if (a % 3 !== 0) return null;
        return a % 2 === 0
          ? { kind: 'RemoveJob', ...asked }
          : { kind: 'CancelJob', mode: a % 4 === 1 ? 'afterRun' : 'now', ...asked };
      default:
        return null;
    }
  }
}

describe('whatever the deciders write', () => {
  it('breaks no invariant', () => {
    const steps = fc.array(
      fc.tuple(
        fc.constantFrom(0, 3, 4, 5, 6, 7, 8, 8, 9, 9, 9, 9, 10, 10, 10, 11, 11, 11, ...range(12, 25)),
        fc.nat(1_000),
        fc.nat(1_000),
        fc.constantFrom(0, 10, 1_000, 30_000, 70_000, 200_000),
      ),
      { minLength: 40, maxLength: 250, size: 'max' },
    );
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(steps, (list) => {
        const fleet = new Fleet();
        for (const step of list) fleet.step(...step);
        expect(check(fleet.log.events)).toEqual([]);
        for (const { type } of fleet.log.events) seen.set(type, (seen.get(type) ?? 0) + 1);
      }),
      { numRuns: 250 },
    );
    const rare = ['JobQuarantined', 'JobReleasedFromQuarantine', 'ServiceHeartbeat'];
    expect([...seen.keys()].filter((type) => !rare.includes(type)).length).toBeGreaterThanOrEqual(25);
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n);
}
