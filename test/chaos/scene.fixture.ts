import { decode, fencingToken, livenessProfiles, type HoldfastEvent } from 'holdfast';
import { definition } from '../audit/healthy-log';
import { Recorder } from '../audit/recorder';
import type { Line } from './diary';
import type { Evidence, Fault, LogEntry } from './evidence';
import type { Written, WriteKind } from './ledger';
import type { Kind } from './plan';

/** A boot time, so that monotonic and wall clock are told apart. */
export const BOOT = Date.parse('2020-05-01T07:00:00.000Z');
export const FIRST = '0172c000-0000-7000-8000-000000000001';
export const SECOND = '0172c000-0000-7000-8000-000000000002';
const PERIOD_MS = 4_000;
const RUN_MS = 500;
/** All of them together are over before the next slot is due while one runs. */
const OUTLIVED_MS = 500;
export const ENTERED_BEFORE_STOP_MS = 100;
type ServiceId = 'chaos@h1' | 'chaos@h2';

/** What a spec may change of it. */
export type Scene = {
  -readonly [key in keyof Evidence]: Evidence[key] extends readonly (infer T)[] ? T[] : Evidence[key];
};

/**
 * A run of two services and one job in which all is well: the first one is met by every kind of fault, some of which it outlives, and is killed
 * in the middle of a run; the second one takes over within the bound, and a handler of the first one comes to the ledger too late.
 */
export function healthyScene(): Scene {
  const log = new Recorder();
  // The first one has another pid in each of its lives.
  const pidOf = { 'chaos@h1': 11, 'chaos@h2': 12 };
  const written: Written[] = [];
  const lines: Line[] = [];
  const faults: Fault[] = [];
  const register = (serviceId: ServiceId, incarnation: string) =>
    log.register(serviceId, incarnation, {
      process: { pid: pidOf[serviceId], bootId: null, pidNamespace: null, startTicks: null },
    });
  const note = (fact: string, pid: number, more: object = {}) =>
    void lines.push({ fact, at: log.now, mono: log.now - BOOT, pid, ...more });
  const write = (kind: WriteKind, serviceId: ServiceId) => {
    const run = log.record('work-0').inProgress[0].run;
    if (run === null) throw new Error('it does not run');
    const { slot, attempt, incarnation } = run;
    const revision = log.events.findLast((e) => e.type === 'JobRunStarted')?.revision ?? -1;
    const token = fencingToken(1, revision);
    const [id, pid] = [written.length + 1, pidOf[serviceId]];
    written.push({ id, kind, job: 'work-0', slot, attempt, token, service: serviceId, incarnation, pid, at: log.now });
    return { job: 'work-0', jobId: 'work-0', slot, attempt, token, fencingToken: token, incarnation };
  };
  const enter = (serviceId: ServiceId) => {
    const run = write('enter', serviceId);
    note('job.started', pidOf[serviceId], run);
    note('handler.entered', pidOf[serviceId], run);
    return run;
  };
  const finish = (serviceId: ServiceId) => {
    const run = write('finish', serviceId);
    note('handler.left', pidOf[serviceId], run);
    log.complete('work-0');
    note('job.succeeded', pidOf[serviceId], run);
  };
  const wholeRun = (serviceId: ServiceId) => {
    log.startRun('work-0');
    enter(serviceId);
    log.now += RUN_MS;
    finish(serviceId);
    log.now += PERIOD_MS - RUN_MS;
  };
  const fault = (kind: Kind, lastsMs: number, more: Partial<Fault> = {}): Fault => ({
    kind,
    at: log.now,
    atMono: log.now - BOOT,
    until: log.now + lastsMs,
    untilMono: log.now + lastsMs - BOOT,
    pids: [pidOf['chaos@h1']],
    serviceId: 'chaos@h1',
    inCommit: false,
    inLedger: false,
    dead: false,
    foundOut: false,
    ...more,
  });

  register('chaos@h1', FIRST);
  register('chaos@h2', SECOND);
  const every = { kind: 'interval', everyMs: PERIOD_MS, origin: null, start: null, end: null, maxRuns: null } as const;
  log.schedule('work-0', definition({ schedule: every }));
  note('conductor.scheduled', 1, { job: 'work-0' });
  log.claim('work-0', 'chaos@h1');
  log.now += PERIOD_MS;
  wholeRun('chaos@h1');
  const outlived: readonly Kind[] = ['stop', 'stop-at-the-threshold', 'stall', 'twin', 'full', 'stop-in-commit'];
  for (const kind of outlived) {
    faults.push(fault(kind, OUTLIVED_MS, { foundOut: kind === 'twin', inCommit: kind === 'stop-in-commit' }));
    log.now += OUTLIVED_MS;
    note('late', 11, { fromMono: log.now - OUTLIVED_MS - BOOT, toMono: log.now - BOOT });
    note('disk.has-room', 11, { refused: 3 });
    wholeRun('chaos@h1');
  }

  // Stopped in the middle of a run for longer than trust lasts, and not judged: it is told to stop in its first turn, and runs again.
  log.startRun('work-0');
  const stopped = enter('chaos@h1');
  log.now += ENTERED_BEFORE_STOP_MS;
  faults.push(fault('long-stop', 5_000));
  log.now += 5_000;
  log.now += 3;
  note('service.fenced', 11);
  note('handler.aborted', 11, stopped);
  log.now += 1_000;
  finish('chaos@h1');
  log.now += 3_000;

  // The deaths: each takes the job from the first one, and the second one runs it; then it is bound to the first one again.
  let life = 3;
  for (const kind of ['restart', 'kill-appending', 'term', 'kill'] as const) {
    log.startRun('work-0');
    enter('chaos@h1');
    faults.push(fault(kind, 0, { dead: true, inCommit: kind === 'kill-appending' }));
    note('service.closed', pidOf['chaos@h1']);
    log.now += 6_400;
    log.markFailed('chaos@h1', 'chaos@h2');
    log.requeue('work-0', 'chaos@h2');
    enter('chaos@h2');
    log.now += RUN_MS;
    finish('chaos@h2');
    log.now += PERIOD_MS;
    pidOf['chaos@h1'] += 10;
    const again = `0172c000-0000-7000-8000-00000000000${life++}`;
    register('chaos@h1', again);
    if (kind === 'kill') break;
    const { epoch } = log.record('work-0');
    const owner = { serviceId: 'chaos@h2', incarnation: SECOND };
    const release = { kind: 'ReleaseJob', ...owner, epoch, reason: 'home', target: 'chaos@h1' } as const;
    log.job('work-0', { ...release, at: log.now, zoneData: '2026a' });
    log.claim('work-0', 'chaos@h1', false);
  }
  wholeRun('chaos@h2');

  const entries: LogEntry[] = log.events.map(({ stream, revision, created, type, data, metadata }) => ({
    stream,
    revision,
    created,
    event: decode(type, data, metadata) as HoldfastEvent,
  }));
  return {
    entries,
    generation: 1,
    unsound: [],
    written,
    refused: [{ job: 'work-0', token: 1, seen: 2, engine: 'chaos@h1', at: log.now }],
    lines,
    faults: [...faults],
    jobs: [{ id: 'work-0', everyMs: PERIOD_MS, ms: RUN_MS }],
    seen: [],
    endingAt: log.now,
    settings: { minutes: 1, services: 2, liveness: livenessProfiles.default, drainTimeoutMs: 4_000 },
  };
}
