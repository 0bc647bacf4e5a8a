import { FoldHistory } from './fold-history';

describe('what a stream added up to', () => {
  it('is that after the newest event up to the position', () => {
    const history = new FoldHistory<{ position: bigint; state: string }>();
    expect(history.newest).toBeNull();
    history.add({ position: 3n, state: 'a' });
    history.add({ position: 7n, state: 'b' });
    expect([2n, 3n, 6n, 7n, 9n].map((position) => history.at(position)?.state ?? null)).toEqual([
      null,
      'a',
      'a',
      'b',
      'b',
    ]);
    expect(history.newest?.state).toBe('b');
  });

  it('is not known any more of a position that is long ago', () => {
    const history = new FoldHistory<{ position: bigint }>();
    for (let n = 1n; n <= 401n; n++) history.add({ position: n });
    expect(history.at(1n)).toBeUndefined();
    expect(history.at(2n)).toEqual({ position: 2n });
  });
});
