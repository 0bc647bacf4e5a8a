import type { JobDefinition } from '../../src/domain/job';
import { Recorder, zoneData } from './recorder';

export const incarnations = {
  one: '0172c000-0000-7000-8000-000000000001',
  two: '0172c000-0000-7000-8000-000000000002',
  three: '0172c000-0000-7000-8000-000000000004',
  oneAgain: '0172c000-0000-7000-8000-000000000003',
} as const;

export function definition(
  more: Partial<JobDefinition> = {},
  policies: Partial<JobDefinition['policies']> = {},
): JobDefinition {
  return {
    handler: 'audit',
    payload: { secret: 'never shown' },
    schedule: { kind: 'interval', everyMs: 60_000, origin: null, start: null, end: null, maxRuns: null },
    tag: {},
    affinity: 'required',
    ...more,
    policies: {
      retry: { maxRetries: 2, initialMs: 1_000, factor: 2, maxMs: 10_000 },
      overlap: 'skip',
      misfire: 'once',
      onOwnerLoss: 'rerun',
      onStuck: 'release',
      timeoutMs: null,
      priority: 0,
      ...policies,
    },
  };
}

/**
 * Two services share jobs; `engine@host-1` dies in the middle of a run of `long`, which goes on at `engine@host-2`; it returns and is told that
 * its result is too late. `single` runs once and is complete. `pinned` may run at host-2 only; it fails once and is retried, is run on request, paused, resumed and cancelled.
 */
export function healthyLog(): Recorder {
  const log = new Recorder();
  const common = () => ({ at: log.now, zoneData });
  const asked = () => ({ ...common(), commandId: log.commandId(), reason: 'asked' });
  log.register('engine@host-1', incarnations.one);
  log.register('engine@host-2', incarnations.two);
  log.beat('engine@host-1', 1);
  log.beat('engine@host-2', 1);
  log.schedule('long', definition());
  log.schedule('single', definition({ schedule: { kind: 'once', at: 'asap', start: null, end: null, maxRuns: null } }));
  log.schedule('pinned', definition({ tag: { host: 'host-2' } }));
  log.claim('long', 'engine@host-1');
  log.claim('single', 'engine@host-2');
  log.claim('pinned', 'engine@host-2');
  log.now += 100;
  log.complete('single');

  log.now += 60_000;
  log.startRun('long');
  log.startRun('pinned');
  const lost = log.record('long').inProgress[0].run;
  if (lost === null) throw new Error('it does not run');
  log.now += 10;
  const failing = log.record('pinned').inProgress[0].run;
  if (failing === null) throw new Error('it does not run');
  log.job('pinned', {
    kind: 'FailRun',
    run: failing,
    durationMs: 10,
    failure: { kind: 'failed', error: 'Error', message: 'no disk' },
    then: { release: null, startNext: false },
    ...common(),
  });
  log.now += 1_000;
  log.startRun('pinned');
  log.complete('pinned');

  log.now += 6_000;
  log.markFailed('engine@host-1', 'engine@host-2');
  log.requeue('long', 'engine@host-2');
  log.job('long', {
    kind: 'CompleteRun',
    run: lost,
    durationMs: 9,
    then: { release: null, startNext: false },
    ...common(),
  });
  log.complete('long');
  log.now += 3_000;
  log.register('engine@host-1', incarnations.oneAgain);
  log.beat('engine@host-1', 1);

  log.job('pinned', { kind: 'RequestRun', ...asked() });
  log.startRun('pinned');
  log.complete('pinned');
  log.job('pinned', { kind: 'PauseJob', ...asked() });
  log.now += 300_000;
  log.job('pinned', { kind: 'ResumeJob', ...asked() });
  log.startRun('long');
  log.complete('long');
  log.job('pinned', { kind: 'CancelJob', mode: 'now', ...asked() });
  log.service('engine@host-2', { kind: 'StartDrain', reason: 'shutdown', at: log.now });
  const { epoch } = log.record('long');
  log.job('long', {
    kind: 'ReleaseJob',
    serviceId: 'engine@host-2',
    incarnation: incarnations.two,
    epoch,
    reason: 'drain',
    target: null,
    ...common(),
  });
  log.service('engine@host-2', { kind: 'StopService', incarnation: incarnations.two, leftovers: [], at: log.now });
  log.claim('long', 'engine@host-1');
  return log;
}
