import { AtWork } from './at-work';
import { executing, row, run } from './executing.fixture';

describe('runs at work', () => {
  const one = row('j');
  const two = row('j', { overlap: { allow: 2 } });

  it('are as many of a job as its policy allows, whatever they are at', () => {
    const atWork = new AtWork();
    expect([atWork.accepts(two), atWork.maySend(two), atWork.blocks('j')]).toEqual([true, true, false]);
    const first = atWork.begin(two);
    expect([atWork.accepts(one), atWork.accepts(two), atWork.maySend(two), atWork.blocks('j')]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    first.now = executing('j', run('manual:1'));
    expect([atWork.accepts(two), atWork.maySend(two), atWork.blocks('j')]).toEqual([true, true, false]);
    const second = atWork.begin(two);
    second.now = 'ending';
    expect([atWork.accepts(two), atWork.blocks('j'), atWork.size]).toEqual([false, true, 2]);
    expect([atWork.accepts(row('k')), atWork.blocks('k')]).toEqual([true, false]);
  });

  it('count by the newest policy', () => {
    const atWork = new AtWork();
    atWork.begin(one).now = 'ending';
    expect(atWork.blocks('j')).toBe(true);
    atWork.begin(row('j', { overlap: { allow: 3 } })).now = 'ending';
    expect(atWork.blocks('j')).toBe(false);
    atWork.learn(two);
    expect(atWork.blocks('j')).toBe(true);
    atWork.learn(row('j', { overlap: { allow: 4 } }));
    atWork.learn(row('k', { overlap: { allow: 4 } }));
    expect([atWork.blocks('j'), atWork.blocks('k'), atWork.size]).toEqual([false, false, 2]);
  });

  it('end once each', () => {
    const atWork = new AtWork();
    const [first, second] = [atWork.begin(two), atWork.begin(two)];
    atWork.end(first);
    atWork.end(first);
    expect([atWork.size, atWork.accepts(two), atWork.accepts(one)]).toEqual([1, true, false]);
    atWork.end(second);
    atWork.end(second);
    expect([atWork.size, atWork.accepts(one), atWork.blocks('j')]).toEqual([0, true, false]);
  });

  it('are found by slot, attempt and incarnation', () => {
    const atWork = new AtWork();
    const execution = executing('j', run('manual:1', 2));
    atWork.begin(one).now = execution;
    expect(atWork.executing('j', run('manual:1', 2))).toBe(execution);
    for (const other of [run('manual:2', 2), run('manual:1', 1), run('manual:1', 2, 'life-0')]) {
      expect(atWork.executing('j', other)).toBeNull();
      expect(atWork.holds('j', other)).toBe(false);
    }
    expect([atWork.executing('k', run('manual:1', 2)), atWork.holds('k', run('manual:1', 2))]).toEqual([null, false]);
    expect(atWork.executions()).toEqual([execution]);
  });

  it.each(['starting', 'ending'] as const)('hold every run of a job while an append of it is on its way: %s', (now) => {
    const atWork = new AtWork();
    atWork.begin(one).now = now;
    expect(atWork.holds('j', run('manual:7', 3))).toBe(true);
    expect(atWork.executions()).toEqual([]);
  });
});
