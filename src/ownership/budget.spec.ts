import { VirtualClock } from '../clock';
import { MoveBudget } from './budget';

/** How many may be taken at once. */
function taken(budget: MoveBudget): number {
  let count = 0;
  while (count < 1_000 && budget.take()) count++;
  return count;
}

describe('the budget of hand-overs', () => {
  it('is so many per second, and no more is saved than of one second', async () => {
    const clock = new VirtualClock();
    const budget = new MoveBudget(clock, 10);
    expect(taken(budget)).toBe(10);
    expect(budget.open()).toBe(false);
    await clock.advance(1_000);
    expect(taken(budget)).toBe(10);
    await clock.advance(60_000);
    expect(taken(budget)).toBe(10);
  });

  it('comes back bit by bit, each bit once, and a part of a hand-over is none', async () => {
    const clock = new VirtualClock();
    const budget = new MoveBudget(clock, 10);
    taken(budget);
    await clock.advance(50);
    expect([budget.open(), budget.take()]).toEqual([false, false]);
    await clock.advance(50);
    expect(taken(budget)).toBe(1);
    await clock.advance(250);
    expect(taken(budget)).toBe(2);
    for (let n = 0; n < 5; n++) expect(budget.open()).toBe(false);
  });

  it('of none hands nothing over', async () => {
    const clock = new VirtualClock();
    const budget = new MoveBudget(clock, 0);
    await clock.advance(10_000);
    expect(taken(budget)).toBe(0);
  });
});
