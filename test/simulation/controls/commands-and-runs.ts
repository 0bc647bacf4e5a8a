import { createHash } from 'node:crypto';
import { Decisions } from '../../../src/commands/execution/decisions';
import { randomScript, type Script } from '../../../src/testing/simulation';
import * as overlap from '../../../src/domain/job/overlap';
import { OpenRuns } from '../../../src/worker/open-runs';
import { Runs } from '../../../src/worker/runs';
import { all, changingAppends, replaced, storeWith, type Control } from './control';
import { atHome, everyMs, jobsOf, Moments, three, world } from './worlds';

const anyWorld = (seed: number): Script => randomScript(seed, { durationMs: 120_000 });

/** Answers do not reach `a` for longer than it trusts itself, while it starts runs. */
function answersLost(seed: number): Script {
  const m = new Moments(seed);
  const cuts = [0, 1, 2].map((n) => ({
    at: 12_000 + n * 12_000 + m.between(0, 2_000),
    do: 'trouble' as const,
    place: 'a',
    ms: m.between(4_300, 5_600),
    trouble: { kind: 'cut', direction: 'in', lands: true } as const,
  }));
  return world(seed, 50_000, jobsOf(14, 'brief', { ...atHome('a'), ...everyMs(1_500) }), cuts);
}

/** What the worker keeps of the runs that are here. */
interface Here {
  readonly jobs: ReadonlyMap<string, { readonly works: ReadonlySet<object> }>;
  end(work: object): void;
}

/** Rules of commands, runs and their outcomes. */
export const commandsAndRuns: readonly Control[] = [
  {
    rule: '3.1',
    name: 'decisions are appended whatever the stream has become',
    broken: 'EventStore.append, by one that appends to jobs with "any"',
    caughtBy: ['I1', 'I2', 'I3', 'I8', 'transition', 'I6', 'I13', 'entry', 'overlap', 'I4'],
    script: anyWorld,
    options: {
      substitute: (ports) => ({
        ...ports,
        store: storeWith(ports.store, {
          append: (stream, expected, events, options) =>
            ports.store.append(stream, stream.startsWith('job-') ? 'any' : expected, events, options),
        }),
      }),
    },
  },
  {
    rule: '3.2',
    name: 'an event id is made of command and index alone',
    broken: 'Decisions.prepare, by one that leaves revision and content out of the ids',
    caughtBy: ['I8', 'I12', 'I2', 'transition', 'I7', 'log'],
    script: (seed) => {
      const m = new Moments(seed);
      const at = 20_000 + m.between(0, 3_000);
      const jobs = jobsOf(3, 'brief', { at: 1e9, tag: { host: 'host-b' }, ...everyMs(9_000) });
      return world(
        seed,
        60_000,
        jobs,
        [
          {
            at: at - 100,
            do: 'trouble',
            place: 'a',
            ms: 9_000,
            trouble: { kind: 'unknown', rate: 1 },
          },
          { at: at - 100, do: 'trouble', place: null, ms: 16_000, trouble: { kind: 'stale', rate: 1, ms: 30_000 } },
          { at: at - 100, do: 'trouble', place: 'b', ms: 6_000, trouble: { kind: 'lag', of: 'view', ms: 9_500 } },
          ...jobs.map(({ id }, n) => ({
            at: at + 50 * n,
            do: 'order' as const,
            via: 'a',
            commandId: m.uuid(),
            order: 'schedule' as const,
            job: id,
            renew: false,
          })),
        ],
        { places: [three[0], three[1]] },
      );
    },
    replace: () =>
      replaced(
        Decisions.prototype,
        'prepare',
        (original) =>
          function (this: unknown, ...args: never[]) {
            const { commandId } = args[0] as { commandId: string };
            const prepared = original.apply(this, args) as { newEvents: { id: string }[] };
            const newEvents = prepared.newEvents.map((event, index) => ({
              ...event,
              id: idOf(`${commandId} ${index}`),
            }));
            return { ...prepared, newEvents };
          },
      ),
  },
  {
    rule: '3.2, 3.8',
    name: 'what is not known counts as not written',
    broken: 'EventStore.append, by one that answers "unavailable" for "unknown"',
    caughtBy: ['I6'],
    script: (seed) => {
      const m = new Moments(seed);
      const at = 15_000 + m.between(0, 2_000);
      const jobs = jobsOf(8, 'brief', everyMs(60_000));
      return world(seed, 40_000, jobs, [
        { at: at - 20, do: 'trouble', place: 'a', ms: 300, trouble: { kind: 'unknown', rate: 1 } },
        { at: at + 60, do: 'trouble', place: 'a', ms: 9_000, trouble: { kind: 'refuse', rate: 1 } },
        ...jobs.map(({ id }, n) => ({
          at: at + 2 * n,
          do: 'order' as const,
          via: 'a',
          commandId: m.uuid(),
          order: 'runNow' as const,
          job: id,
        })),
      ]);
    },
    options: {
      substitute: (ports) => ({
        ...ports,
        store: storeWith(ports.store, {
          append: async (...call) => {
            const answer = await ports.store.append(...call);
            return answer.outcome === 'unknown' ? { ...answer, outcome: 'unavailable' } : answer;
          },
        }),
      }),
    },
  },
  {
    rule: '3.3',
    name: 'a caller’s retry is another command',
    broken: 'the caller, by one that makes a new command id for each try',
    caughtBy: ['I6'],
    script: (seed) => {
      const m = new Moments(seed);
      const at = 15_000 + m.between(0, 2_000);
      const jobs = jobsOf(8, 'brief', everyMs(60_000));
      return world(seed, 45_000, jobs, [
        { at: at - 50, do: 'trouble', place: 'a', ms: 9_000, trouble: { kind: 'cut', direction: 'in', lands: false } },
        ...jobs.map(({ id }, n) => ({
          at: at + 30 * n,
          do: 'order' as const,
          via: 'a',
          commandId: m.uuid(),
          order: 'runNow' as const,
          job: id,
        })),
      ]);
    },
    options: { commandId: (order, tries) => idOf(`${order} ${tries}`) },
  },
  {
    rule: '3.4',
    name: 'the fence is not looked at after a start is acknowledged',
    broken: 'Runs.execute, by one whose trust says yes',
    caughtBy: ['entry'],
    script: answersLost,
    replace: () =>
      replaced(
        Runs.prototype,
        'execute',
        (original) =>
          function (this: { ports: { membership: { trust: { check: () => unknown } } } }, ...args: never[]) {
            const { trust } = this.ports.membership;
            const { check } = trust;
            trust.check = () => null;
            try {
              return original.apply(this, args);
            } finally {
              trust.check = check;
            }
          },
      ),
  },
  {
    rule: '3.5',
    name: 'an owner does not sweep itself',
    broken: 'OpenRuns.closeIfLost, by nothing',
    caughtBy: ['I5'],
    script: answersLost,
    replace: () => replaced(OpenRuns.prototype, 'closeIfLost', () => () => undefined),
  },
  {
    rule: '3.6',
    name: 'a late outcome counts',
    broken: 'EventStore.append, by one that writes JobRunSucceeded for JobRunOutcomeRefused',
    caughtBy: ['I3'],
    script: (seed) => {
      const m = new Moments(seed);
      const stalls = [0, 1, 2].map((n) => ({
        at: 14_000 + n * 20_000 + m.between(0, 3_000),
        do: 'stall' as const,
        place: 'a',
        ms: 9_000,
      }));
      return world(seed, 80_000, jobsOf(10, 'long', { ...atHome('a'), ...everyMs(3_000) }), stalls);
    },
    options: {
      substitute: changingAppends((events) =>
        events.map((event) => {
          if (event.type !== 'JobRunOutcomeRefused') return event;
          const { outcome: _outcome, why: _why, ...run } = JSON.parse(event.data) as Record<string, unknown>;
          return { ...event, type: 'JobRunSucceeded', data: JSON.stringify({ ...run, durationMs: 1 }) };
        }),
      ),
    },
  },
  {
    rule: '3.7',
    name: 'a job starts where its last handler has not settled',
    broken: 'Runs.stuck, by one that forgets the handler',
    caughtBy: ['3.7'],
    script: (seed) =>
      world(
        seed,
        40_000,
        jobsOf(8, 'deaf', { ...everyMs(3_000), policies: { timeoutMs: 1_000, retry: { maxRetries: 3 } } }),
        [],
        {
          places: [three[0]],
        },
      ),
    replace: () =>
      replaced(
        Runs.prototype,
        'stuck',
        (original) =>
          function (this: { worker: { atWork: Here } }, ...args: never[]) {
            original.apply(this, args);
            const { jobId } = args[0] as { jobId: string };
            const { atWork } = this.worker;
            for (const work of atWork.jobs.get(jobId)?.works ?? []) atWork.end(work);
          },
      ),
  },
  {
    rule: '9',
    name: 'two runs are open beyond the overlap policy',
    broken: 'isFull, mayBegin and runLimit of the domain, by ones that allow two more',
    caughtBy: ['transition', 'overlap', '3.7'],
    script: (seed) => {
      const m = new Moments(seed);
      const policies = [{ overlap: 'skip' }, { overlap: 'queue' }, { overlap: { allow: 2 } }] as const;
      const jobs = policies.flatMap((one, n) =>
        jobsOf(2, 'long', { ...everyMs(2_000), policies: one }).map((job) => ({ ...job, id: `${job.id}-${n}` })),
      );
      return world(seed, 40_000, jobs, [
        { at: 15_000 + m.between(0, 4_000), do: 'crash', place: 'a', restartMs: 9_000 },
      ]);
    },
    replace: () =>
      all(
        replaced(overlap, 'isFull', () => () => false),
        replaced(overlap, 'mayBegin', () => () => true),
        replaced(overlap, 'runLimit', (original) => (policy: never) => (original(policy) as number) + 2),
      ),
  },
  {
    rule: 'I8',
    name: 'slots vanish without an account',
    broken: 'EventStore.append, by one that leaves JobSlotsSkipped out',
    caughtBy: ['I8'],
    script: (seed) =>
      world(seed, 50_000, jobsOf(6, 'long', everyMs(2_000)), [
        { at: 12_000 + new Moments(seed).between(0, 4_000), do: 'crash', place: 'a', restartMs: 9_000 },
      ]),
    options: { substitute: changingAppends((events) => events.filter(({ type }) => type !== 'JobSlotsSkipped')) },
  },
  {
    rule: 'I13',
    name: 'a cancelled job keeps its open run',
    broken: 'EventStore.append, by one that leaves JobRunAbandoned out beside JobCancelled',
    caughtBy: ['I13'],
    script: (seed) => {
      const m = new Moments(seed);
      const jobs = jobsOf(8, 'long', everyMs(3_000));
      return world(
        seed,
        40_000,
        jobs,
        jobs.map(({ id }, n) => ({
          at: 12_000 + 1_500 * n + m.between(0, 1_000),
          do: 'order' as const,
          via: 'b',
          commandId: m.uuid(),
          order: 'cancel' as const,
          job: id,
        })),
      );
    },
    options: {
      substitute: changingAppends((events) =>
        events.some(({ type }) => type === 'JobCancelled')
          ? events.filter(({ type }) => type !== 'JobRunAbandoned')
          : events,
      ),
    },
  },
];

function idOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
