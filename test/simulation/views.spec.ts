import { JobTable } from '../../src/read-model/job-table';
import { ServiceTable } from '../../src/read-model/service-table';
import { StillTrue } from '../../src/read-model/still-true';
import { randomScript, simulate } from '../../src/testing/simulation';
import { replaced } from './controls/control';

type Writes = Record<string, { run: (...values: unknown[]) => unknown }>;

/** While a row is written, one statement of its table does something else. */
function writing(table: object, method: string, statement: string, run: (writes: Writes) => (...v: unknown[]) => void) {
  return replaced(
    table,
    method,
    (original) =>
      function (this: Writes, ...args: never[]) {
        const as = this[statement];
        this[statement] = { run: run(this) };
        try {
          return original.apply(this, args);
        } finally {
          this[statement] = as;
        }
      },
  );
}

/** What is wrong with the view, how it comes to be, and how the judge says it. */
const wrong: readonly [string, () => () => void, RegExp][] = [
  [
    'a next run time that stays as it was',
    () =>
      writing(JobTable.prototype, 'write', 'updateMoving', ({ updateState }) => (...values) => {
        updateState.run(...values.slice(0, 6), values.at(-1));
      }),
    /has in the row of .*"nextRunTime"/,
  ],
  [
    'an owner that stays as it was',
    () =>
      writing(JobTable.prototype, 'write', 'updateAll', ({ updateMoving }) => (...values) => {
        updateMoving.run(...values.slice(0, 9), values.at(-1));
      }),
    /has in the row of .*"serviceId"|owns \d+ jobs/,
  ],
  [
    'jobs that are not counted',
    () => writing(JobTable.prototype, 'finish', 'count', () => () => undefined),
    /says that . owns 0 jobs, and by the log it owns \d+/,
  ],
  [
    'an incarnation that stays as it was',
    () =>
      replaced(
        ServiceTable.prototype,
        'write',
        (original) =>
          function (this: unknown, ...args: never[]) {
            const [, state, position] = args as readonly unknown[];
            return original.call(this, state, state, position);
          },
      ),
    /shows . as .*"incarnations":\[\]/,
  ],
  [
    'a soonest next run time that is remembered too long',
    () => replaced(StillTrue.prototype, 'moved', () => () => undefined),
    /is read for jobs of . as .*"nextDueTime"/,
  ],
  [
    'candidates that are remembered too long',
    () => replaced(StillTrue.prototype, 'servicesChanged', () => () => undefined),
    /is read for candidates as/,
  ],
];

describe('the judge of views', () => {
  const world = randomScript(7, { durationMs: 40_000 });

  it('finds nothing in a world in which views are right', async () => {
    const { violations, counts } = await simulate(world);
    expect(violations).toEqual([]);
    expect(counts.get('view-compared')).toBeGreaterThan(5);
  });

  it.each(wrong)('finds %s', async (_what, spoil, words) => {
    const mend = spoil();
    try {
      const { violations } = await simulate(world);
      expect(new Set(violations.map(({ rule }) => rule))).toEqual(new Set(['I7']));
      expect(violations[0].words).toMatch(words);
    } finally {
      mend();
    }
  });
});
