import * as liveness from '../../../src/membership/check-liveness';
import { LogClusterTime } from '../../../src/membership/cluster-time';
import { Observation } from '../../../src/membership/observation';
import { Returning } from '../../../src/membership/returning';
import { OwnLife } from '../../../src/membership/own-life';
import { readClocks } from '../../../src/membership/reading';
import { ServiceMembership } from '../../../src/membership/service-membership';
import { OwnTrust } from '../../../src/membership/trust';
import { MarkServiceFailedCommand } from '../../../src/commands';
import { Runs } from '../../../src/worker/runs';
import { HoldfastService } from '../../../src/runtime/holdfast-service';
import type { Script } from '../../../src/testing/simulation';
import { all, replaced, type Control } from './control';
import { atHome, everyMs, jobsOf, Moments, three, world } from './worlds';

/**
 * `a` is cut off, marked failed, and comes back before it has heard of that; the views of the others lag, so its jobs are still its own in the log.
 */
function backBeforeItHears(seed: number): Script {
  const m = new Moments(seed);
  const at = 30_000 + m.between(0, 2_000);
  const jobs = jobsOf(12, 'long', { ...atHome('a'), ...everyMs(2_000), policies: { timeoutMs: null } });
  return world(seed, 60_000, jobs, [
    { at, do: 'trouble', place: 'a', ms: 5_500, trouble: { kind: 'cut', direction: 'both', lands: false } },
    { at, do: 'trouble', place: 'a', ms: 25_000, trouble: { kind: 'lag', of: 'membership', ms: 9_000 } },
    {
      at: at + 5_400,
      do: 'trouble',
      place: 'a',
      ms: 8_000,
      trouble: { kind: 'beats', rate: 0, delayMs: m.between(1_500, 2_500) },
    },
    { at, do: 'trouble', place: 'b', ms: 15_000, trouble: { kind: 'lag', of: 'view', ms: 4_500 } },
    { at, do: 'trouble', place: 'c', ms: 15_000, trouble: { kind: 'lag', of: 'view', ms: 4_500 } },
  ]);
}

/** A service starts nothing either once its own view shows that it is failed: without that, its trust is alone. */
function ownViewIgnored(): () => void {
  return replaced(HoldfastService.prototype as unknown as { mayStay: () => boolean }, 'mayStay', () => () => true);
}

/** `a` stalls for longer than its event loop may, and is well again; a moment later it is cut off, with handlers that run on. */
function cutOffAfterAStall(seed: number): Script {
  const m = new Moments(seed);
  const at = 25_000 + m.between(0, 3_000);
  const jobs = jobsOf(8, 'long', { ...atHome('a'), ...everyMs(2_000), policies: { timeoutMs: null } });
  return world(seed, 55_000, jobs, [
    { at: at - m.between(900, 1_100), do: 'stall', place: 'a', ms: 600 },
    { at, do: 'trouble', place: 'a', ms: 12_000, trouble: { kind: 'cut', direction: 'both', lands: false } },
  ]);
}

/** Two services, so that one is not more than half; what `b` hears comes late now and then. */
function laggingObserver(seed: number): Script {
  const m = new Moments(seed);
  const actions = [0, 1, 2, 3].map((n) => ({
    at: 15_000 + 22_000 * n + m.between(0, 3_000),
    do: 'trouble' as const,
    place: 'b',
    ms: 8_000,
    trouble: { kind: 'lag', of: 'membership', ms: 6_700 } as const,
  }));
  return world(seed, 100_000, jobsOf(3, 'brief', everyMs(10_000)), actions, { places: [three[0], three[1]] });
}

export const trustAndVerdicts: readonly Control[] = [
  {
    rule: '5.2',
    name: 'an expired trust is renewed by a late beat',
    broken: 'OwnTrust.renew, by one that does not look whether trust has expired',
    caughtBy: ['entry', 'guard', 'overlap', 'I3', 'I4'],
    script: backBeforeItHears,
    replace: () =>
      all(
        ownViewIgnored(),
        replaced(
          OwnTrust.prototype,
          'renew',
          (original) =>
            function (this: { fenced: unknown }, ...args) {
              const start = args[0] as { monotonic: number };
              if (this.fenced === 'trust-expired') Object.assign(this, { fenced: null, from: start });
              return original.apply(this, args);
            },
        ),
      ),
  },
  {
    rule: '5.2',
    name: 'a fenced service comes back without asking the log',
    broken: 'Returning.reassert, by one that appends nothing',
    caughtBy: ['entry', 'guard', 'overlap', 'I3', 'I4'],
    script: backBeforeItHears,
    replace: () =>
      all(
        ownViewIgnored(),
        replaced(
          Returning.prototype,
          'reassert',
          () =>
            function (
              this: { ports: { trust: OwnTrust; clock: never }; onReturned: (incarnation: string, ms: number) => void },
              incarnation: string,
            ) {
              if (this.ports.trust.reassert(readClocks(this.ports.clock))) this.onReturned(incarnation, 0);
              return Promise.resolve();
            },
        ),
      ),
  },
  {
    rule: '5.2, 5.6',
    name: 'handlers are not told to stop at the fence',
    broken: 'Runs.abortAll, by one that does nothing when trust has run out',
    caughtBy: ['overlap'],
    script: cutOffAfterAStall,
    replace: () =>
      replaced(
        Runs.prototype,
        'abortAll',
        (original) =>
          function (this: unknown, ...args: never[]) {
            return args[0] === 'fenced' ? undefined : original.apply(this, args);
          },
      ),
  },
  {
    rule: '5.3',
    name: 'silence is measured by the own clock alone',
    broken: 'Observation.silenceOf and fresh, by "now − last seen"',
    caughtBy: ['I9'],
    script: laggingObserver,
    replace: () => {
      let now = 0;
      return all(
        replaced(
          Observation.prototype,
          'toJudge',
          (original) =>
            function (this: unknown, ...args: never[]) {
              now = args[0] as number;
              return original.apply(this, args);
            },
        ),
        replaced(Observation.prototype, 'fresh', () => () => true),
        replaced(
          Observation.prototype,
          'silenceOf',
          () =>
            function (this: { peers: Map<string, { seen: number }> }, incarnation: string) {
              return Math.max(0, now - (this.peers.get(incarnation)?.seen ?? now));
            },
        ),
      );
    },
  },
  {
    rule: '5.3',
    name: 'the watermark is when an own beat was read back, not when it began',
    broken: 'Observation.ownBeat, by one that takes the time of reading',
    caughtBy: ['5.6', 'I9', 'overlap'],
    script: (seed) => {
      const m = new Moments(seed);
      const at = 20_000 + m.between(0, 1_000);
      // What `b` hears comes later and later, so gently that it notices no gap of its own, while `a` is silent for less than it trusts itself.
      const ramp = [900, 1_800, 2_700, 3_600, 4_500].map((ms, n) => ({
        at: at + 50 + 1_000 * n,
        do: 'trouble' as const,
        place: 'b',
        ms: 20_000,
        trouble: { kind: 'lag', of: 'membership', ms } as const,
      }));
      const away = { kind: 'cut', direction: 'out', lands: false } as const;
      return world(
        seed,
        50_000,
        jobsOf(4, 'brief', everyMs(8_000)),
        [
          { at, do: 'trouble', place: 'a', ms: 2_000, trouble: away },
          {
            at,
            do: 'trouble',
            place: 'a',
            ms: 9_000,
            trouble: { kind: 'beats', rate: 0, delayMs: m.between(800, 900) },
          },
          ...ramp,
        ],
        { places: [three[0], three[1]] },
      );
    },
    replace: () =>
      replaced(
        Observation.prototype,
        'ownBeat',
        (original) =>
          function (this: unknown, ...args: never[]) {
            return original.apply(this, [args[1], args[1]]);
          },
      ),
  },
  {
    rule: '5.4',
    name: 'a registration starts no window',
    broken: 'Observation.serviceEvent, by one that knows a service from its first beat on only',
    caughtBy: ['I5'],
    script: (seed) =>
      world(
        seed,
        40_000,
        jobsOf(4, 'brief', everyMs(8_000)),
        [
          { at: new Moments(seed).between(10_000, 14_000), do: 'crash', place: 'b', restartMs: 9_000 },
          { at: 15_000, do: 'rejoin', place: 'b' },
        ],
        {
          places: [three[0], three[1], { ...three[2], at: 20_000 }],
          ...diesAtRegistration(seed),
        },
      ),
    replace: () =>
      all(
        replaced(
          Observation.prototype,
          'serviceEvent',
          (original) =>
            function (this: { peers: Map<string, unknown> }, ...args: never[]) {
              const event = args[1] as { type: string; data: { incarnation: string } };
              const result = original.apply(this, args);
              if (event.type === 'ServiceRegistered') this.peers.delete(event.data.incarnation);
              return result;
            },
        ),
        replaced(
          Observation.prototype,
          'beat',
          (original) =>
            function (
              this: {
                peers: Map<string, unknown>;
                ended: Map<string, unknown>;
                incarnationOf: (serviceId: string, incarnation: string) => unknown;
              },
              ...args: never[]
            ) {
              const { incarnation, serviceId } = (args[0] as { data: { incarnation: string; serviceId: string } }).data;
              const registered = this.incarnationOf(serviceId, incarnation) !== undefined;
              if (!this.peers.has(incarnation) && !this.ended.has(incarnation) && registered)
                this.peers.set(incarnation, { serviceId, incarnation, seen: args[1], lastBeat: -1 });
              return original.apply(this, args);
            },
        ),
      ),
  },
  {
    rule: '5.4',
    name: 'after a gap of its own an observer goes on where it was',
    broken: 'Observation.startWindowsAnew, by nothing',
    caughtBy: ['I9'],
    script: (seed) => {
      const m = new Moments(seed);
      const outages = [0, 1, 2].map((n) => ({
        at: 15_000 + n * 30_000 + m.between(0, 5_000),
        do: 'trouble' as const,
        place: null,
        ms: 15_000,
        trouble: { kind: 'cut', direction: 'both', lands: false } as const,
      }));
      return world(seed, 110_000, jobsOf(3, 'brief', everyMs(10_000)), outages);
    },
    replace: () => replaced(Observation.prototype, 'startWindowsAnew', () => () => undefined),
  },
  {
    rule: '5.5',
    name: 'a verdict lands whatever its subject has said since',
    broken: 'MarkServiceFailedCommand.ask, by one that takes the revision of the moment for that of the evidence',
    caughtBy: ['5.5'],
    script: (seed) => {
      const m = new Moments(seed);
      const at = 30_000 + m.between(0, 1_000);
      const lag = { kind: 'lag', of: 'membership', ms: 3_500 } as const;
      return world(seed, 55_000, jobsOf(4, 'brief', everyMs(8_000)), [
        {
          at,
          do: 'trouble',
          place: 'a',
          ms: m.between(6_800, 8_800),
          trouble: { kind: 'cut', direction: 'both', lands: false },
        },
        { at: at + m.between(5_400, 6_400), do: 'trouble', place: 'b', ms: 6_000, trouble: lag },
        { at: at + m.between(5_400, 6_400), do: 'trouble', place: 'c', ms: 6_000, trouble: lag },
      ]);
    },
    replace: () =>
      replaced(
        MarkServiceFailedCommand.prototype,
        'ask',
        (original) =>
          function (this: object, ...args: never[]) {
            const { revision } = args[1] as { revision: number };
            const asked =
              'viewRevision' in this && this.viewRevision !== undefined
                ? Object.create(this, { viewRevision: { value: revision } })
                : this;
            return original.apply(asked, args);
          },
      ),
  },
  {
    rule: '5.6',
    name: 'failAfter is shorter than an owner trusts itself',
    broken: 'checkLiveness, by one that refuses nothing; failAfter 2.5 s',
    caughtBy: ['5.6', 'overlap'],
    script: (seed) => {
      const m = new Moments(seed);
      return world(
        seed,
        50_000,
        jobsOf(8, 'long', { ...atHome('a'), ...everyMs(2_000) }),
        [
          {
            at: 25_000 + m.between(0, 3_000),
            do: 'trouble',
            place: 'a',
            ms: 8_000,
            trouble: { kind: 'cut', direction: 'both', lands: false },
          },
        ],
        { options: { liveness: { profile: 'default', failAfterMs: 2_500 } } },
      );
    },
    replace: () => replaced(liveness, 'checkLiveness', () => () => []),
  },
  {
    rule: '5.8',
    name: 'a newcomer takes the name of a living service',
    broken: 'Processes.provablyGone, by yes',
    caughtBy: ['5.8', 'I9', 'overlap'],
    script: (seed) =>
      world(seed, 40_000, jobsOf(6, 'long', everyMs(5_000)), [], {
        places: [...three, { ...three[1], place: 'b-twin', at: new Moments(seed).between(12_000, 20_000) }],
      }),
    options: {
      substitute: (ports) => ({ ...ports, processes: { own: ports.processes!.own, provablyGone: () => true } }),
    },
  },
  {
    rule: '5.9',
    name: 'a service does not mind the verdict on itself',
    broken: 'OwnLife.judged, by nothing',
    caughtBy: ['I5'],
    script: (seed) =>
      world(seed, 45_000, jobsOf(4, 'brief', everyMs(8_000)), [
        {
          at: 15_000 + new Moments(seed).between(0, 5_000),
          do: 'trouble',
          place: 'a',
          ms: 10_000,
          trouble: { kind: 'cut', direction: 'both', lands: false },
        },
      ]),
    replace: () => replaced(OwnLife.prototype, 'judged', () => () => undefined),
  },
  {
    rule: '9, I12',
    name: 'jobs are due by the raw local clock',
    broken: 'LogClusterTime.now, by the wall clock',
    caughtBy: ['I12'],
    script: (seed) =>
      world(seed, 45_000, jobsOf(6, 'brief', everyMs(20_000)), [
        { at: 10_000 + new Moments(seed).between(0, 5_000), do: 'wall', place: 'b', byMs: 3_600_000 },
      ]),
    replace: () =>
      replaced(
        LogClusterTime.prototype,
        'now',
        () =>
          function (this: { clock: { wall: () => number } }) {
            return this.clock.wall();
          },
      ),
  },
  ...['5.10', '5.13'].map((rule): Control => ({
    rule,
    name:
      rule === '5.10'
        ? 'what a stopped service left over moves at once'
        : 'what runs in a marked service moves at once',
    broken: 'ServiceMembership.silentSinceEnd, by yes',
    caughtBy: [rule],
    script: (seed) => {
      const m = new Moments(seed);
      const jobs = jobsOf(10, 'deaf', { ...atHome('a'), ...everyMs(3_000) });
      const at = 20_000 + m.between(0, 4_000);
      const stop = { at, do: 'stop' as const, place: 'a', restartMs: null };
      const mark = {
        at,
        do: 'order' as const,
        via: 'b',
        commandId: m.uuid(),
        order: 'mark' as const,
        service: 'a',
        confirmedDead: false,
      };
      return world(seed, 45_000, jobs, [rule === '5.10' ? stop : mark], { options: { drainTimeoutMs: 0 } });
    },
    replace: () => replaced(ServiceMembership.prototype, 'silentSinceEnd', () => () => true),
  })),
];

/** The first process of `b` is gone when its registration is in the log, before its first beat. */
function diesAtRegistration(seed: number): Partial<Script> {
  const m = new Moments(seed);
  return {
    actions: [
      {
        at: 302,
        do: 'crash',
        place: 'b',
        on: 'written',
        types: ['ServiceRegistered'],
        restartMs: 3_000 + m.between(0, 3_000),
      },
    ],
  };
}
