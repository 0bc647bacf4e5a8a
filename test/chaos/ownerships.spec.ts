import type { Evidence } from './evidence';
import { historyOf } from './ownerships';

type Entry = Evidence['entries'][number];

const entry = (created: number, job: string, type: string, data: object) =>
  ({ stream: `job-${job}`, created, event: { type, data } }) as unknown as Entry;
const bound = (at: number, job: string, incarnation: string) => entry(at, job, 'JobBoundToService', { incarnation });
const lost = (at: number, job: string) => entry(at, job, 'JobRunAbandoned', { reason: 'ownerFailed' });

describe('the history of chaos knows', () => {
  it('who was owned as a suspect, until it succeeds', () => {
    const { ownerships } = historyOf({
      entries: [
        ...[bound(1, 'j', 'a'), lost(2, 'j'), bound(2, 'j', 'b'), lost(3, 'j'), bound(3, 'j', 'c')],
        ...[entry(4, 'j', 'JobRunSucceeded', {}), lost(5, 'j'), bound(5, 'j', 'd')],
      ],
    });
    expect(ownerships.get('j')!.map(({ incarnation, suspect }) => [incarnation, suspect])).toEqual([
      ['a', false],
      ['b', false],
      ['c', true],
      ['d', false],
    ]);
  });

  it('when each suspect ran alone in its process', () => {
    const started = (at: number, job: string, soleSuspect?: true) =>
      entry(at, job, 'JobRunStarted', { incarnation: 'a', soleSuspect });
    const { soleRuns } = historyOf({
      entries: [
        ...[started(1, 'j', true), started(2, 'k'), entry(5, 'j', 'JobRunFailed', {}), started(6, 'l', true)],
        entry(7, 'k', 'JobRunSucceeded', {}),
      ],
    });
    expect(soleRuns.get('a')).toEqual([
      { job: 'j', from: 1, to: 5 },
      { job: 'l', from: 6, to: Infinity },
    ]);
  });
});
