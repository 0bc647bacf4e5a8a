import * as eligibility from '../../../src/domain/placement/eligibility';
import { Observation } from '../../../src/membership/observation';
import { ServiceMembership } from '../../../src/membership/service-membership';
import { OwnershipSweep } from '../../../src/ownership';
import { Claimables } from '../../../src/ownership/claimables';
import type { ReadModel, SweepSnapshot } from '../../../src/read-model';
import { Projector } from '../../../src/read-model/projector';
import { SqliteReadModel } from '../../../src/read-model/sqlite-read-model';
import type { Script } from '../../../src/testing/simulation';
import { Worker } from '../../../src/worker';
import { all, replaced, type Control } from './control';
import { atHome, everyMs, jobsOf, Moments, three, world } from './worlds';

/** `b` dies twice within a second; the others see both deaths late, and at once. */
function diesTwice(seed: number): Script {
  const m = new Moments(seed);
  const at = 20_000 + m.between(0, 3_000);
  const lag = { kind: 'lag', of: 'view', ms: 3_500 } as const;
  return world(
    seed,
    50_000,
    jobsOf(10, 'brief', { ...atHome('b'), ...everyMs(4_000) }),
    [
      { at: at - 500, do: 'trouble', place: 'a', ms: 1_050, trouble: lag },
      { at: at - 500, do: 'trouble', place: 'b', ms: 1_050, trouble: lag },
      { at: at - 500, do: 'trouble', place: 'c', ms: 1_050, trouble: lag },
      { at, do: 'crash', place: 'b', restartMs: 200 },
      { at: at + 700 + m.between(0, 300), do: 'crash', place: 'b', restartMs: 200 },
    ],
    { places: [three[0], { ...three[1], provable: true }, three[2]] },
  );
}

/** By turns: `a` is cut off until it no longer trusts itself, and comes back before anybody judges it; `a` drains. */
function backOrAway(seed: number): Script {
  const m = new Moments(seed);
  const at = 12_000 + m.between(0, 4_000);
  const cut = { kind: 'cut', direction: 'both', lands: false } as const;
  return world(seed, 40_000, jobsOf(6, 'brief', everyMs(5_000)), [
    seed % 2 === 1
      ? { at, do: 'trouble', place: 'a', ms: 4_500, trouble: cut }
      : { at, do: 'stop', place: 'a', restartMs: 2_000 },
  ]);
}

/** Some jobs are moved by a log that is lost, while they are idle. */
function movedByTheLost(seed: number): Script {
  const m = new Moments(seed);
  const moves = [0, 1, 2, 3].map((n) => ({
    at: 14_000 + n * 500 + m.between(0, 400),
    do: 'lost-move' as const,
    job: `brief-${n}`,
  }));
  return world(seed, 30_000, jobsOf(6, 'brief', everyMs(3_000)), moves);
}

/** The views lag when the log is put back to where it was minutes ago. */
function appendedToTheLost(seed: number): Script {
  const m = new Moments(seed);
  const at = 100_000 + m.between(0, 4_000);
  return world(seed, at + 8_000, jobsOf(6, 'brief', everyMs(1_500)), [
    { at: at - 14_000, do: 'trouble', place: null, ms: 14_000, trouble: { kind: 'lag', of: 'view', ms: 4_000 } },
    { at: at - 300, do: 'trouble', place: null, ms: 3_000, trouble: { kind: 'refuse', rate: 1 } },
    { at, do: 'restore', backMs: 80_000 },
  ]);
}

/** Nothing is wrong. When the world has healed, an owner dies. */
function calm(seed: number): Script {
  const m = new Moments(seed);
  return world(seed, 20_000 + m.between(0, 2_000), jobsOf(9, 'brief', everyMs(3_000)), []);
}

function newestGone(view: ReadModel, serviceId: string): string | undefined {
  return view.service(serviceId)?.incarnations.findLast(({ life }) => life === 'failed' || life === 'stopped')
    ?.incarnation;
}

type Orphans = SweepSnapshot['orphaned'];

/** Sweeps decide on these of the orphans that their view shows. */
function decidingOn(these: (orphaned: Orphans, view: ReadModel) => Orphans): () => void {
  return replaced(
    OwnershipSweep.prototype,
    'decide',
    (original) =>
      function (this: { ports: { readModel: ReadModel } }, ...args: never[]) {
        const [snapshot, ...more] = args as readonly unknown[] as readonly [SweepSnapshot, ...unknown[]];
        const orphaned = these(snapshot.orphaned, this.ports.readModel);
        return original.call(this, { ...snapshot, orphaned }, ...more);
      },
  );
}

/** Rules of who owns what, and of the views on it. */
export const ownership: readonly Control[] = [
  {
    rule: '5.7',
    name: 'only the jobs of the newest incarnation that is gone are looked for',
    broken: 'OwnershipSweep.decide, by one that leaves the orphans of earlier incarnations out',
    caughtBy: ['I5'],
    script: diesTwice,
    replace: () =>
      decidingOn((orphaned, view) =>
        orphaned.filter(({ owner, ownerServiceId }) => newestGone(view, ownerServiceId) === owner.incarnation),
      ),
  },
  {
    rule: '5.7',
    name: 'each orphan is looked at once',
    broken: 'OwnershipSweep.decide, by one that looks at an orphan once',
    caughtBy: ['I5'],
    script: (seed) => {
      const m = new Moments(seed);
      const at = 15_000 + m.between(0, 3_000);
      const away = {
        do: 'trouble',
        on: 'sent',
        types: ['JobRequeued'],
        ms: 6_000,
        trouble: { kind: 'refuse', rate: 1 },
      } as const;
      return world(seed, 45_000, jobsOf(10, 'brief', { ...atHome('b'), ...everyMs(5_000) }), [
        { at, do: 'crash', place: 'b', restartMs: 'never' },
        { at: at + 10, place: 'a', ...away },
        { at: at + 10, place: 'c', ...away },
      ]);
    },
    replace: () => {
      const shown = new WeakMap<object, Set<string>>();
      return decidingOn((all, view) => {
        const before = shown.get(view) ?? new Set();
        shown.set(view, before);
        const orphaned = all.filter(({ job, owner }) => !before.has(`${job.jobId} ${owner.incarnation}`));
        for (const { job, owner } of orphaned) before.add(`${job.jobId} ${owner.incarnation}`);
        return orphaned;
      });
    },
  },
  {
    rule: '5.15',
    name: 'what a dead owner had is left alone for half a minute',
    broken: 'Claimables.firstSeen, by one that says half a minute later',
    caughtBy: ['I5'],
    script: calm,
    replace: () =>
      replaced(
        Claimables.prototype,
        'firstSeen',
        (original) =>
          function (this: unknown, ...args: never[]) {
            const [, claim] = args as readonly string[];
            const at = original.apply(this, args) as number;
            return claim.startsWith('gone ') ? at + 30_000 : at;
          },
      ),
  },
  {
    rule: '5.15',
    name: 'an observer waits for three times as long',
    broken: 'Observation.threshold, by three times failAfter',
    caughtBy: ['I5'],
    script: calm,
    replace: () =>
      replaced(
        Observation.prototype,
        'threshold',
        (original) =>
          function (this: unknown, ...args: never[]) {
            return 3 * (original.apply(this, args) as number);
          },
      ),
  },
  {
    rule: '6',
    name: 'who is of no registration in the log owns on',
    broken: 'OwnershipSweep.decide, by one that leaves out what is bound to such an incarnation',
    caughtBy: ['I5'],
    script: movedByTheLost,
    replace: () => decidingOn((orphaned) => orphaned.filter(({ owner }) => owner.life !== 'unregistered')),
  },
  {
    rule: '6',
    name: 'what is bound to an incarnation of no registration moves at once',
    broken: 'ServiceMembership.silentSinceEnd, by yes',
    caughtBy: ['6'],
    script: movedByTheLost,
    replace: () => replaced(ServiceMembership.prototype, 'silentSinceEnd', () => () => true),
  },
  {
    rule: '6',
    name: 'a worker remembers what it has appended to a log that is lost',
    broken: 'Worker.forgetLog, by nothing',
    caughtBy: ['I8', 'I5'],
    script: appendedToTheLost,
    replace: () => replaced(Worker.prototype, 'forgetLog', () => () => undefined),
  },
  {
    rule: 'I4',
    name: 'everybody is eligible',
    broken: 'ineligibility, by "it fits"',
    caughtBy: ['I4'],
    script: (seed) =>
      world(
        seed,
        30_000,
        [
          ...jobsOf(5, 'brief', { ...everyMs(4_000), tag: { host: 'host-a' } }),
          ...jobsOf(5, 'long', { ...everyMs(4_000), tag: { host: 'host-b' } }),
        ],
        [{ at: 10_000 + new Moments(seed).between(0, 4_000), do: 'crash', place: 'a', restartMs: 20_000 }],
      ),
    replace: () => replaced(eligibility, 'ineligibility', () => () => null),
  },
  {
    rule: 'I10',
    name: 'a draining service claims',
    broken: 'ServiceMembership.mayClaim, draining, and ineligibility, by ones that do not mind a drain',
    caughtBy: ['I10'],
    script: (seed) => {
      const m = new Moments(seed);
      const late = jobsOf(10, 'brief', {
        at: 16_000 + m.between(0, 2_000),
        ...everyMs(4_000),
        tag: { host: 'host-a' },
      });
      return world(seed, 30_000, late, [
        { at: 12_000, do: 'order', via: 'b', commandId: m.uuid(), order: 'drain', service: 'a' },
      ]);
    },
    replace: () =>
      all(
        replaced(ServiceMembership.prototype, 'draining', () => () => false),
        replaced(
          ServiceMembership.prototype,
          'mayClaim',
          (original) =>
            function (this: { life: { isDraining: boolean } }, ...args: never[]) {
              const { life } = this;
              const { isDraining } = life;
              life.isDraining = false;
              try {
                return original.apply(this, args);
              } finally {
                life.isDraining = isDraining;
              }
            },
        ),
        replaced(
          eligibility,
          'ineligibility',
          (original) =>
            function (this: unknown, ...args: never[]) {
              const why = original.apply(this, args);
              return why === 'draining' ? null : why;
            },
        ),
        replaced(
          SqliteReadModel.prototype,
          'sweep',
          (original) =>
            function (this: unknown, ...args: never[]) {
              const snapshot = original.apply(this, args) as ReturnType<SqliteReadModel['sweep']>;
              return { ...snapshot, candidates: snapshot.candidates.map((one) => ({ ...one, life: 'live' as const })) };
            },
        ),
      ),
  },
  {
    rule: 'I7',
    name: 'the projector passes over an event',
    broken: 'Projector.applyToJob, by one that does not know JobReleased',
    caughtBy: ['I7'],
    script: (seed) =>
      world(seed, 40_000, jobsOf(6, 'brief', everyMs(5_000)), [
        { at: 12_000 + new Moments(seed).between(0, 4_000), do: 'stop', place: 'a', restartMs: 2_000 },
      ]),
    replace: () =>
      replaced(
        Projector.prototype,
        'applyToJob',
        (original) =>
          function (this: unknown, ...args: never[]) {
            const { type } = args[2] as { type: string };
            return type === 'JobReleased' ? undefined : original.apply(this, args);
          },
      ),
  },
  {
    rule: 'I7',
    name: 'the projector passes over a fact of a service',
    broken: 'Projector.applyToService, by one that knows neither ServiceReasserted nor ServiceDrainStarted',
    caughtBy: ['I7'],
    script: backOrAway,
    replace: () =>
      replaced(
        Projector.prototype,
        'applyToService',
        (original) =>
          function (this: unknown, ...args: never[]) {
            const { type } = args[2] as { type: string };
            return ['ServiceReasserted', 'ServiceDrainStarted'].includes(type) ? undefined : original.apply(this, args);
          },
      ),
  },
];
