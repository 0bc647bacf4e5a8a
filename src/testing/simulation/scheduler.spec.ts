import { SeededRandom } from '../../clock';
import { Scheduler } from './scheduler';

describe('the scheduler of a simulated world', () => {
  it('takes steps by their time, and none that was cancelled', async () => {
    const taken: string[] = [];
    const scheduler = new Scheduler(new SeededRandom(1), () => undefined);
    scheduler.at(20, () => taken.push('later'));
    scheduler.at(10, () => taken.push('sooner'));
    scheduler.cancel(scheduler.at(15, () => taken.push('never')));
    await scheduler.runUntil(30);
    expect([taken, scheduler.now, scheduler.steps]).toEqual([['sooner', 'later'], 30, 2]);
  });

  it('tells what a step throws, and goes on', async () => {
    const broken: unknown[] = [];
    const scheduler = new Scheduler(new SeededRandom(1), (error) => broken.push(error));
    const error = new Error('a timer of the product has thrown');
    let after = false;
    scheduler.at(10, () => {
      throw error;
    });
    scheduler.at(11, () => (after = true));
    await scheduler.runUntil(20);
    expect([broken, after]).toEqual([[error], true]);
  });
});
