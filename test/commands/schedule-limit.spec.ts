import { RescheduleJobCommand, ScheduleJobCommand } from '../../src/commands';
import { resolveOptions } from '../../src/runtime';
import { Bench } from './bench';

const every = (ms: number, more: object = {}) => ({ kind: 'interval', every: ms, ...more }) as const;
const schedule = (jobId: string, ms: number) => new ScheduleJobCommand({ jobId, handler: 'tick', schedule: every(ms) });

describe('a limit of slots per second', () => {
  it('is asked of every schedule that is given', async () => {
    const bench = new Bench({ options: { maxFiresPerSecond: 10 } });
    const refused = await bench.failure(bench.executor.execute(schedule('fast', 99)));
    expect(refused).toMatchObject({ code: 'too-frequent', refusals: [{ field: 'schedule.every', value: '99 ms' }] });
    await bench.settled(bench.executor.execute(schedule('slow', 100)));
    const faster = new RescheduleJobCommand({ jobId: 'slow', schedule: every(50) });
    expect(await bench.failure(bench.executor.execute(faster))).toMatchObject({ code: 'too-frequent' });
  });

  it('leaves a schedule that was taken before', async () => {
    const bench = new Bench();
    await bench.settled(bench.executor.execute(schedule('fast', 5)));
    const limited = bench.another({ options: { maxFiresPerSecond: 10 } });
    const tagged = new RescheduleJobCommand({ jobId: 'fast', tag: { name: 'a' } });
    expect((await bench.settled(limited.execute(tagged))).added).toBe(1);
  });

  it('is an option, ten by default', () => {
    const service = { name: 'a' };
    expect(resolveOptions({ service }).schedules.maxFiresPerSecond).toBe(10);
    expect(resolveOptions({ service, schedules: { maxFiresPerSecond: 0.5 } }).schedules.maxFiresPerSecond).toBe(0.5);
    for (const maxFiresPerSecond of [0, -1, NaN, 1_001, '10' as never]) {
      expect(() => resolveOptions({ service, schedules: { maxFiresPerSecond } })).toThrow(
        /schedules.maxFiresPerSecond/,
      );
    }
  });
});
