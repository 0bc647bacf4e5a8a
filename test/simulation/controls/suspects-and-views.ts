import * as runs from '../../../src/domain/job/evolve-runs';
import * as folds from '../../../src/domain/job/evolve';
import * as suspicion from '../../../src/domain/job/suspicion';
import { ServiceMembership } from '../../../src/membership/service-membership';
import { OwnTrust } from '../../../src/membership/trust';
import { ViewLag } from '../../../src/membership/view-lag';
import { Projector } from '../../../src/read-model/projector';
import { LogAcquaintance } from '../../../src/runtime/acquaintance';
import { HoldfastService } from '../../../src/runtime/holdfast-service';
import type { Script } from '../../../src/testing/simulation';
import { Places } from '../../../src/worker/places';
import { all, replaced, type Control } from './control';
import { atHome, everyMs, jobsOf, Moments, three, world } from './worlds';

/** `a` dies in the middle of many runs, then `b` in the middle of the same: `c` has the suspects. */
function twoDie(seed: number): Script {
  const m = new Moments(seed);
  const at = 15_000 + m.between(0, 3_000);
  const jobs = jobsOf(14, 'long', { ...atHome('a'), ...everyMs(3_000), policies: { timeoutMs: null } });
  return world(seed, 60_000, jobs, [
    { at, do: 'crash', place: 'a', restartMs: 'never' },
    { at: at + m.between(9_000, 12_000), do: 'crash', place: 'b', restartMs: 'never' },
  ]);
}

/** Each service is held up in turn, is thought dead, and comes back: nothing has died. */
function thoughtDead(seed: number): Script {
  const m = new Moments(seed);
  const stalls = ['a', 'b', 'c', 'a', 'b', 'c'].map((place, n) => ({
    at: 15_000 + n * 22_000 + m.between(0, 2_000),
    do: 'stall' as const,
    place,
    ms: 9_000,
  }));
  return world(seed, 150_000, jobsOf(9, 'hanging', { policies: { timeoutMs: null } }), stalls);
}

/** A release that knows more writes into the streams of two jobs. */
function newerRelease(seed: number): Script {
  const m = new Moments(seed);
  return world(seed, 40_000, jobsOf(6, 'brief', everyMs(3_000)), [
    { at: 12_000 + m.between(0, 4_000), do: 'newer', job: 'brief-1' },
    { at: 14_000 + m.between(0, 4_000), do: 'newer', job: 'brief-4' },
  ]);
}

/** The log is put back by some seconds, while nobody reaches it. `b` has heard nothing for longer than that. */
function putBack(seed: number): Script {
  const m = new Moments(seed);
  const at = 25_000 + m.between(0, 2_000);
  return world(seed, 50_000, jobsOf(8, 'brief', everyMs(2_000)), [
    {
      at: at - 9_000,
      do: 'trouble',
      place: 'b',
      ms: 11_000,
      trouble: { kind: 'cut', direction: 'both', lands: false },
    },
    { at: at - 500, do: 'trouble', place: null, ms: 2_500, trouble: { kind: 'refuse', rate: 1 } },
    { at: at + 500, do: 'restore', backMs: m.between(4_000, 6_000) },
  ]);
}

/** Who is to blame, and what becomes of whoever sees too little. */
export const suspectsAndViews: readonly Control[] = [
  {
    rule: '5.11',
    name: 'suspects run side by side',
    broken: 'Places.take, by one that has a place for every suspect',
    caughtBy: ['5.11'],
    script: twoDie,
    replace: () =>
      replaced(
        Places.prototype,
        'take',
        (original) =>
          function (this: { suspect: boolean }, ...args: never[]) {
            this.suspect = false;
            return original.apply(this, args);
          },
      ),
  },
  {
    rule: '5.11',
    name: 'no job is suspect',
    broken: 'isSuspect, by no',
    caughtBy: ['5.11'],
    script: twoDie,
    replace: () => replaced(suspicion, 'isSuspect', () => () => false),
  },
  {
    rule: '5.11',
    name: 'a late outcome takes no crash back',
    broken: 'refused (in the fold of a job), by one that leaves the crashes',
    caughtBy: ['5.11'],
    script: thoughtDead,
    replace: () =>
      replaced(
        runs,
        'refused',
        (original) =>
          function (this: unknown, ...args: never[]) {
            const { crashes } = args[0] as { crashes: unknown };
            return { ...(original.apply(this, args) as object), crashes };
          },
      ),
  },
  {
    rule: '5.12',
    name: 'whose view is behind beats on',
    broken: 'ViewLag.behindMs, by 0',
    caughtBy: ['5.12'],
    script: (seed) => {
      const m = new Moments(seed);
      return world(seed, 45_000, jobsOf(8, 'brief', { ...atHome('a'), ...everyMs(2_000) }), [
        {
          at: 14_000 + m.between(0, 4_000),
          do: 'trouble',
          place: 'a',
          ms: 16_000,
          trouble: { kind: 'lag', of: 'view', ms: 12_000 },
        },
      ]);
    },
    replace: () => replaced(ViewLag.prototype, 'behindMs', () => () => 0),
  },
  {
    rule: '5.12',
    name: 'the projector stops at what it cannot read',
    broken: 'Projector.applyToJob, by one that throws at an unknown event',
    caughtBy: ['I7', 'I5', '5.12', 'I9'],
    script: newerRelease,
    replace: () =>
      replaced(
        Projector.prototype,
        'applyToJob',
        (original) =>
          function (this: unknown, ...args: never[]) {
            if (
              (args[2] as { type: string }).type === '$unreadable' ||
              JSON.stringify(args[2], plain).includes('JobTeleported')
            )
              throw new Error('What is this?');
            return original.apply(this, args);
          },
      ),
  },
  {
    rule: '3.10',
    name: 'what cannot be read is passed over, and the job is decided on',
    broken: 'evolve, by one that leaves unreadable events out',
    caughtBy: ['3.10'],
    script: newerRelease,
    replace: () =>
      replaced(
        folds,
        'evolve',
        (original) =>
          function (this: unknown, ...args: never[]) {
            const [state, event, revision] = args as unknown as [object, { type: string }, number];
            return event.type === '$unreadable' ? { ...state, revision } : original.apply(this, args);
          },
      ),
  },
  {
    rule: '5.2, 9',
    name: 'a wall clock that jumps raises no doubt',
    broken: 'OwnTrust.lookAtWall, by nothing',
    caughtBy: ['entry', 'guard'],
    script: (seed) => {
      const m = new Moments(seed);
      const jumps = [0, 1, 2, 3, 4, 5].map((n) => ({
        at: 12_000 + 4_000 * n + m.between(0, 3_000),
        do: 'wall' as const,
        place: 'a',
        byMs: n % 2 === 0 ? 30_000 : -30_000,
      }));
      return world(seed, 45_000, jobsOf(12, 'brief', { ...atHome('a'), ...everyMs(1_000) }), jumps);
    },
    replace: () => replaced(OwnTrust.prototype, 'lookAtWall', () => () => undefined),
  },
  {
    rule: '5.14',
    name: 'a replica that serves requests only takes part',
    broken: 'HoldfastService.setGoing, by one that takes it for a worker',
    caughtBy: ['5.14'],
    script: (seed) =>
      world(seed, 15_000, jobsOf(3, 'brief', everyMs(4_000)), [], {
        places: [...three, { id: 'web', host: 'host-web', at: new Moments(seed).between(0, 5_000), webOnly: true }],
      }),
    replace: () =>
      replaced(
        HoldfastService.prototype,
        'setGoing',
        (original) =>
          function (this: { options: object }, ...args: never[]) {
            this.options = { ...this.options, role: 'worker' };
            return original.apply(this, args);
          },
      ),
  },
  {
    rule: '6',
    name: 'nobody minds that the log went back in time',
    broken: 'ServiceMembership.logWentBack, by nothing',
    caughtBy: ['6'],
    script: putBack,
    replace: () => replaced(ServiceMembership.prototype, 'logWentBack', () => () => Promise.resolve()),
  },
  {
    rule: '1, 6',
    name: 'tokens keep the generation that the log had at first',
    broken: 'LogAcquaintance.is and renew, by nothing',
    caughtBy: ['entry'],
    script: putBack,
    replace: () =>
      all(
        replaced(LogAcquaintance.prototype, 'is', () => () => undefined),
        replaced(LogAcquaintance.prototype, 'renew', () => () => undefined),
      ),
  },
];

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
