import { VirtualClock } from '../clock';
import type { RunRef } from '../domain/job';
import type { LogPosition } from '../event-store';
import type { JobRow, OwnJobs } from '../read-model';
import { AtWork } from './at-work';
import type { Execution } from './execution';
import { executing, OWN, row, run } from './executing.fixture';
import { JobNotes } from './job-notes';
import { OpenRuns } from './open-runs';
import type { Replacements } from './replacements';

/** A comparison whose view and executor say what the test says. */
class Scene {
  readonly clock = new VirtualClock();
  readonly notes = new JobNotes();
  readonly atWork = new AtWork();
  readonly abandoned: [jobId: string, slot: string, attempt: number][] = [];
  readonly givenAway: Execution[] = [];
  readonly looked: string[] = [];
  wakes = 0;
  outstanding = false;
  rows: JobRow[] = [];
  /** Without an open run. */
  idle: JobRow[] = [];
  position: LogPosition = 10n;
  /** Ends the abandons that are on their way. */
  answer: () => void = () => undefined;
  readonly openRuns: OpenRuns;

  constructor() {
    const ownJobs = {
      position: () => this.position,
      withOpenRun: () => this.rows,
      one: (jobId: string) => [...this.rows, ...this.idle].find((one) => one.jobId === jobId) ?? null,
    } as unknown as OwnJobs;
    this.openRuns = new OpenRuns(
      { ownJobs, clock: this.clock, outstanding: () => this.outstanding },
      {
        notes: this.notes,
        atWork: this.atWork,
        replacements: { look: ({ jobId }: JobRow) => void this.looked.push(jobId) } as unknown as Replacements,
        abandon: (jobId: string, { slot, attempt }: RunRef) => {
          this.abandoned.push([jobId, slot, attempt]);
          return new Promise((resolve) => (this.answer = resolve));
        },
        giveAway: (execution) => void this.givenAway.push(execution),
        wake: () => void this.wakes++,
      },
    );
  }

  execute(jobId: string, of: RunRef): Execution {
    const execution = executing(jobId, of, this.clock);
    this.atWork.begin(row(jobId)).now = execution;
    return execution;
  }

  async compare(incarnation = OWN): Promise<void> {
    await this.clock.advance(100);
    this.openRuns.compareNowAndThen(incarnation);
  }
}

describe('open runs of the log, compared with those that are executed', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
  });
  afterEach(() => scene.openRuns.close());

  describe('one that nobody executes', () => {
    beforeEach(() => {
      scene.rows = [row('j', { runs: [run('manual:1', 2)] })];
    });

    it('is closed as lost, once at a time; what comes of it is looked at', async () => {
      await scene.compare();
      await scene.compare();
      expect(scene.abandoned).toEqual([['j', 'manual:1', 2]]);
      const { wakes } = scene;
      scene.answer();
      await scene.clock.settle();
      expect(scene.wakes).toBe(wakes + 1);
      await scene.compare();
      expect(scene.abandoned).toHaveLength(2);
    });

    it('is not while an append to its job has no definite answer: it may be what was appended', async () => {
      scene.outstanding = true;
      await scene.compare();
      expect(scene.abandoned).toEqual([]);
    });

    it('is not while a start or an outcome of its job is on its way', async () => {
      const work = scene.atWork.begin(row('j'));
      await scene.compare();
      work.now = 'ending';
      await scene.compare();
      expect(scene.abandoned).toEqual([]);
    });

    it('is not by a row that is older than what was appended here', async () => {
      scene.notes.noteAppend('j', 4, 11n);
      await scene.compare();
      expect(scene.abandoned).toEqual([]);
    });

    it('is not while its job rests', async () => {
      await scene.clock.advance(100);
      scene.notes.rest('j', scene.clock.monotonic());
      scene.openRuns.compareNowAndThen(OWN);
      expect(scene.abandoned).toEqual([]);
      await scene.compare();
      expect(scene.abandoned).toHaveLength(1);
    });

    it('is not by another incarnation than the one that started it', async () => {
      await scene.compare('life-2');
      expect(scene.abandoned).toEqual([]);
    });

    it('is so beside one of the same job that is executed', async () => {
      scene.execute('j', run('manual:1', 2));
      scene.rows = [row('j', { runs: [run('manual:1', 2), run('manual:2', 1)] })];
      await scene.compare();
      expect(scene.abandoned).toEqual([['j', 'manual:2', 1]]);
    });
  });

  describe('a handler', () => {
    it('is told to stop when the log has ended its run, and not before the view can know of it', async () => {
      const execution = scene.execute('j', run('manual:1'));
      for (const position of ['start', 4n] as const) {
        scene.position = position;
        await scene.compare();
        expect(execution.abortedFor).toBeNull();
      }
      scene.position = 5n;
      await scene.compare();
      expect(execution.abortedFor).toBe('cancelled');
    });

    it('is told to stop when another attempt of its slot is open instead', async () => {
      const execution = scene.execute('j', run('manual:1', 1));
      scene.rows = [row('j', { runs: [run('manual:1', 2)] })];
      await scene.compare();
      expect(execution.abortedFor).toBe('cancelled');
    });

    it('goes on while its run is open', async () => {
      const execution = scene.execute('j', run('manual:1'));
      scene.rows = [row('j', { runs: [run('manual:1')] })];
      await scene.compare();
      expect([execution.abortedFor, scene.abandoned, scene.looked]).toEqual([null, [], ['j']]);
    });

    it('of a former incarnation is no business of the present one', async () => {
      const execution = scene.execute('j', run('manual:1'));
      await scene.compare('life-2');
      expect(execution.abortedFor).toBeNull();
    });

    it.each([
      ['its run is open', true, OWN],
      ['the log has ended its run', false, OWN],
      ['it is of a former life', false, 'life-2'],
    ])('lets another one of its job begin beside it when the view allows more: %s', async (_, isOpen, incarnation) => {
      scene.execute('j', run('manual:1'));
      const allowing = row('j', { overlap: { allow: 2 }, runs: isOpen ? [run('manual:1')] : [] });
      (isOpen ? scene.rows : scene.idle).push(allowing);
      expect(scene.atWork.blocks('j')).toBe(true);
      await scene.compare(incarnation);
      expect(scene.atWork.blocks('j')).toBe(false);
    });

    it('that is stuck is given away, again and again, but while its job rests', async () => {
      const execution = scene.execute('j', run('manual:1'));
      scene.rows = [row('j', { runs: [run('manual:1')] })];
      await scene.compare();
      expect(scene.givenAway).toEqual([]);
      execution.stuck = true;
      await scene.compare();
      await scene.compare();
      expect(scene.givenAway).toEqual([execution, execution]);
      scene.notes.rest('j', scene.clock.monotonic() + 100);
      await scene.compare();
      expect(scene.givenAway).toHaveLength(2);
    });
  });

  describe('are compared', () => {
    it('at most ten times a second: who asks earlier is woken in time', async () => {
      scene.rows = [row('j', { runs: [run('manual:1')] })];
      await scene.compare();
      expect(scene.looked).toHaveLength(1);
      await scene.clock.advance(30);
      scene.openRuns.compareNowAndThen(OWN);
      scene.openRuns.compareNowAndThen(OWN);
      expect([scene.looked.length, scene.clock.pendingTimers()]).toEqual([1, ['worker-compare']]);
      await scene.clock.advance(69);
      expect(scene.wakes).toBe(0);
      await scene.clock.advance(1);
      expect(scene.wakes).toBe(1);
      scene.openRuns.compareNowAndThen(OWN);
      expect(scene.looked).toHaveLength(2);
      await scene.clock.advance(10);
      scene.openRuns.compareNowAndThen(OWN);
      await scene.clock.advance(90);
      expect(scene.wakes).toBe(2);
    });

    it('never again once they are closed', async () => {
      await scene.compare();
      scene.openRuns.compareNowAndThen(OWN);
      scene.openRuns.close();
      expect(scene.clock.pendingTimers()).toEqual([]);
    });
  });
});
