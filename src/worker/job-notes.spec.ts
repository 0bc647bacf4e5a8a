import { row } from './executing.fixture';
import { JobNotes } from './job-notes';

describe('notes on jobs', () => {
  let notes: JobNotes;
  beforeEach(() => {
    notes = new JobNotes();
  });

  describe('of what was appended here', () => {
    it('take a row for stale that is older than that, and for no longer than the view is behind', () => {
      notes.noteAppend('j', 7, 20n);
      expect([6, 7, 8].map((revision) => notes.isStale(row('j', { revision })))).toEqual([true, false, false]);
      expect([notes.isStale(row('k', { revision: 0 })), notes.aheadOfView]).toEqual([false, 1]);
      expect([notes.setsAside('j', 0), notes.setsAside('k', 0)]).toEqual([true, false]);
      notes.seen('start');
      notes.seen(19n);
      expect(notes.aheadOfView).toBe(1);
      notes.seen(20n);
      expect([notes.aheadOfView, notes.setsAside('j', 0), notes.isStale(row('j', { revision: 6 }))]).toEqual([
        0,
        false,
        false,
      ]);
    });

    it('keep what the view has not, also of a job that was noted before others', () => {
      notes.noteAppend('j', 7, 20n);
      notes.noteAppend('k', 3, 21n);
      notes.noteAppend('j', 8, 22n);
      notes.seen(21n);
      expect([notes.setsAside('j', 0), notes.setsAside('k', 0), notes.aheadOfView]).toEqual([true, false, 1]);
      expect(notes.isStale(row('j', { revision: 7 }))).toBe(true);
    });
  });

  describe('of jobs that rest', () => {
    it('double the rest with each failure in a row, up to a second', () => {
      const rests: number[] = [];
      for (let n = 0; n < 7; n++) {
        notes.rest('j', 0);
        rests.push(notes.nextRestEnd(0));
      }
      expect(rests).toEqual([50, 100, 200, 400, 800, 1_000, 1_000]);
      notes.rested('j');
      expect([notes.rests('j', 0), notes.nextRestEnd(0)]).toEqual([false, Infinity]);
      notes.rest('j', 0);
      expect(notes.nextRestEnd(0)).toBe(50);
    });

    it('end each rest in its time', () => {
      notes.rest('j', 0);
      notes.rest('k', 20);
      const at = (now: number) => [notes.rests('j', now), notes.restingCount(now), notes.nextRestEnd(now)];
      expect(at(49)).toEqual([true, 2, 50]);
      expect(at(50)).toEqual([false, 1, 70]);
      expect(at(70)).toEqual([false, 0, Infinity]);
      expect([notes.setsAside('j', 49), notes.setsAside('j', 50)]).toEqual([true, false]);
    });

    it('forget a job a minute after its rest: its next one is short again', () => {
      notes.rest('j', 0);
      notes.rest('j', 50);
      notes.forgetRests(150 + 60_000);
      notes.rest('j', 100_000);
      expect(notes.nextRestEnd(100_000)).toBe(100_200);
      notes.forgetRests(100_200 + 60_001);
      notes.rest('j', 200_000);
      expect(notes.nextRestEnd(200_000)).toBe(200_050);
    });
  });
});
