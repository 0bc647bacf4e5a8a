import { SeededRandom } from '../../clock';
import { livenessProfiles } from '../../membership';
import type { JobRunStarted } from '../../domain/job';
import { JudgeEntries, type EntriesPorts } from './judge-entries';
import type { JudgedIncarnation } from './judged';
import { Scheduler } from './scheduler';
import { SimulatedProcess } from './simulated-process';
import type { WitnessedRun } from './witness';

/** Two runs of one slot, in two processes that trust themselves: which of them an operator has called dead is for the test to say. */
describe('the judge of handlers that are entered beside each other', () => {
  let said: string[];
  let noted: string[];
  let dead: Set<string>;
  let entries: JudgeEntries;

  beforeEach(() => {
    said = [];
    noted = [];
    dead = new Set();
    const confirmed = (incarnation: string) => ({ confirmedDead: dead.has(incarnation) }) as JudgedIncarnation;
    const ports = {
      now: () => 10_000,
      logTime: () => 10_000,
      note: (what: string) => noted.push(what),
      violate: (rule: string, words: string) => said.push(`${rule} ${words}`),
      liveness: livenessProfiles.default,
      generation: () => 1,
      due: () => null,
      closed: () => undefined,
      living: () => null,
      restored: () => ({ unaware: false, sinceMs: Infinity }),
      trusted: (process: string) => ({ incarnation: `${process}-1`, fence: null }),
      incarnations: { get: confirmed } as unknown as EntriesPorts['incarnations'],
    } as unknown as EntriesPorts;
    entries = new JudgeEntries(ports);
  });

  const run = (process: string, epoch: number): WitnessedRun => {
    const incarnation = `${process}-1`;
    const one = { jobId: 'j', slot: 'manual:1', attempt: epoch, epoch, incarnation };
    entries.started('j', one as unknown as JobRunStarted['data'], epoch, process, 1);
    const entered = { process, fencingToken: 2 ** 44 + epoch, enteredAt: 10_000, leftAt: null, abortedAt: null };
    return { ...one, ...entered } as unknown as WitnessedRun;
  };
  const enter = (one: WitnessedRun, other: WitnessedRun) => entries.entered(one, [other], () => null);

  it('takes more than the job allows for a violation', () => {
    enter(run('b', 2), run('a', 1));
    expect(said).toEqual([expect.stringMatching(/^overlap .* is entered in b while .* runs in a/)]);
  });

  it('… but not beside a handler of a process that an operator has called dead', () => {
    dead.add('a-1');
    enter(run('b', 2), run('a', 1));
    expect([said, noted]).toEqual([[], ['overlap-confirmed-dead']]);
  });

  it('… nor when that enters late, beside the run that has taken the place of its own', () => {
    dead.add('a-1');
    const [early, late] = [run('b', 2), run('a', 1)];
    enter(late, early);
    expect([said, noted]).toEqual([[], ['overlap-confirmed-dead']]);
  });

  it('… but when it enters beside a run that it has taken the place of', () => {
    dead.add('b-1');
    enter(run('b', 2), run('a', 1));
    expect(said).toHaveLength(1);
  });

  it('a second handler in one process is a violation all the same', () => {
    dead.add('a-1');
    enter(run('a', 2), run('a', 1));
    expect(said).toEqual([expect.stringMatching(/^3\.7 /)]);
  });

  describe('beside one whose process was held up', () => {
    const liveness = livenessProfiles.default;

    /** Its newest heartbeat was acknowledged at 2,500, so its trust ran out at 6,500. */
    const heldUp = (...pauses: readonly (readonly [from: number, to: number])[]) => {
      const scheduler = new Scheduler(new SeededRandom(1), () => undefined);
      const machine = { bootId: null, pidNamespace: 'pid' };
      const traits = { rate: 1, wallAtStart: 0 };
      const process = new SimulatedProcess('a', 'a', 1, machine, scheduler, traits, 1, () => true);
      for (const type of ['ServiceRegistered', 'ServiceHeartbeat']) {
        scheduler.now = 2_500;
        const asked = process.told.asks([{ id: type, type, data: '{"incarnation":"a-1"}', metadata: '{}' }]);
        if (asked !== null) process.told.appended(asked, liveness.selfFenceAfterMs);
      }
      process.pauses.push(...pauses.map(([from, to]) => ({ from, to, kind: 'stall' as const })));
      return process;
    };
    const enterBeside = (process: SimulatedProcess) =>
      entries.entered(run('b', 2), [{ ...run('a', 1), enteredAt: 2_000 }], () => process);

    it.each([
      ['until now', [[6_000, 11_000]]],
      ['until a moment ago', [[6_000, 9_500]]],
      [
        'again and again, and hardly ran',
        [
          [6_000, 7_100],
          [7_200, 8_400],
          [8_300, 9_600],
        ],
      ],
    ] as const)('takes a pause that its trust has run out in for a reason: %s', (_, pauses) => {
      enterBeside(heldUp(...pauses));
      expect([said, noted]).toEqual([[], ['overlap-paused']]);
    });

    it.each([
      ['that was over before', [[4_000, 6_400]]],
      ['after which it has run for longer than its handlers may take', [[6_000, 8_400]]],
      [
        'of several that left it time to stop',
        [
          [6_400, 7_000],
          [7_900, 8_600],
          [9_400, 9_900],
        ],
      ],
      [
        'one within the other, which count once',
        [
          [6_500, 8_000],
          [6_600, 8_000],
          [6_700, 8_000],
        ],
      ],
    ] as const)('… but not one %s', (_, pauses) => {
      enterBeside(heldUp(...pauses));
      expect(said).toEqual([expect.stringMatching(/^overlap /)]);
    });
  });
});
