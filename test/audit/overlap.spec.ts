import { LogChecker } from '../../src/domain/invariants';
import { fold, type JobEvent, type JobRecord, type Overlap } from '../../src/domain/job';
import { anna, at, bert, definition, facts, run } from '../../src/domain/job/story.fixture';

/** What `verify` says of open runs beyond the overlap policy. Of services nothing is told here: only what is said of runs is looked at. */
function found(...events: readonly JobEvent[]): string[] {
  const checker = new LogChecker();
  const said = events.flatMap((event, revision) => {
    const position = BigInt(revision + 1);
    const id = `00000000-0000-4000-8000-${String(revision).padStart(12, '0')}`;
    return checker.check({ stream: 'job-report', revision, position, created: event.data.at, id, event });
  });
  return said.filter(({ invariant }) => invariant === 'transition').map(({ words }) => words);
}

const jobWith = (overlap: Overlap) => facts.scheduled(0, definition({}, { overlap }), 60);
const bound = facts.bound(1, 1, anna);
const of = (slot: number | string) => run(slot, 1, 1, anna);
const start = (slot: number, definitionRevision = 0) =>
  facts.started(slot, of(slot), anna, slot + 60, { definitionRevision });

describe('verify, of overlap', () => {
  it.each<[Overlap, number]>([
    ['skip', 1],
    ['queue', 1],
    ['replace', 1],
    [{ allow: 2 }, 2],
    [{ allow: 3 }, 3],
  ])('%j allows so many open runs and no more: %d', (overlap, limit) => {
    const starts = Array.from({ length: limit }, (_, n) => start(60 * (n + 1)));
    expect(found(jobWith(overlap), bound, ...starts)).toEqual([]);
    const policy = typeof overlap === 'object' ? `allow\\(${overlap.allow}\\)` : overlap;
    expect(found(jobWith(overlap), bound, ...starts, start(60 * (limit + 1)))).toEqual([
      expect.stringMatching(new RegExp(`is open: overlap is ${policy}\\.$`)),
    ]);
  });

  it('goes by the definition in force at the start', () => {
    const lowered = facts.rescheduled(125, definition({}, { overlap: 'skip' }), 180, { anchor: at(0) });
    const two = [jobWith({ allow: 2 }), bound, start(60), start(120), lowered] as const;
    expect(found(...two)).toEqual([]);
    expect(found(...two, facts.succeeded(126, of(60)), start(180, 4))).toHaveLength(1);
    expect(found(...two, facts.succeeded(126, of(60)), facts.succeeded(127, of(120)), start(180, 4))).toEqual([]);
  });

  it('a scheduled slot beside one that waits for its retry, where one may be in progress', () => {
    const waiting = [jobWith('queue'), bound, start(60), facts.failed(65, of(60), 1, 500)] as const;
    expect(found(...waiting, start(120))).toEqual([expect.stringMatching(/is in progress: overlap is queue/)]);
    const asked = facts.started(70, of('manual:4'), anna, 120);
    expect(found(...waiting, facts.requested(69, 4), asked)).toEqual([]);
  });

  it('a start in the place of a run that was not ended', () => {
    const ended = facts.abandoned(121, of(60), 'replaced');
    expect(found(jobWith('replace'), bound, start(60), ended, start(120))).toEqual([]);
    expect(found(jobWith('replace'), bound, start(60), start(120))).toHaveLength(1);
  });

  it('several slots that are held are judged in their order', () => {
    const lost = [
      jobWith({ allow: 2 }),
      bound,
      start(60),
      start(120),
      facts.abandoned(130, of(60), 'lostInProcess'),
      facts.held(130, of(60)),
      facts.abandoned(130, of(120), 'lostInProcess'),
      facts.held(130, of(120)),
    ] as const;
    const [first, second] = [of(60), of(120)].map((one) => facts.holdResolved(140, one, 'fail', 180));
    expect(found(...lost, first, second)).toEqual([]);
    expect(found(...lost, second)).toHaveLength(1);
    expect(found(...lost, first, facts.started(141, run(120, 2, 1, anna), anna, 180))).toHaveLength(1);
    const books = (state: JobRecord) =>
      found(...lost, { type: 'JobBooksClosed', data: { schemaVersion: 1, state, at: at(130) } });
    const state = fold(lost) as JobRecord;
    expect(books(state)).toEqual([]);
    expect(books({ ...state, heldNext: undefined })).toEqual([expect.stringMatching(/held slots/)]);
  });

  it('lost runs of one owner, one by one, and their slots again under the next', () => {
    const slots = [60, 120, 180];
    const again = slots.map((slot, n) => facts.started(200 + n, run(slot, 2, 2, bert), bert, 240));
    const log = [
      jobWith({ allow: 3 }),
      bound,
      ...slots.map((slot) => start(slot)),
      ...slots.map((slot) => facts.abandoned(190, of(slot), 'lostInProcess')),
      facts.released(190, 1, anna, 'drain'),
      facts.bound(200, 2, bert),
    ];
    expect(found(...log, ...again)).toEqual([]);
    expect(found(...log, ...again, facts.started(241, run(240, 1, 2, bert), bert, 300))).toHaveLength(1);
  });
});
