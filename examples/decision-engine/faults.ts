import { SystemClock, SystemRandom, type AppendOutcome, type EventStore, type NewEvent } from 'holdfast';
import { openLog, type Log } from './log';

/**
 * Ways to break the promise, from outside, so that the judge can be seen to notice. All of them wrap the store; the product has no switch.
 * - `requeue-off`: no requeue ever gets through: a dead engine's audits stay where they are.
 * - `duplicate-start`: one start is written twice.
 * - `lost-outcome`: one success is acknowledged and never written.
 * - `idle-kill`: the kill is aimed at nobody (done by the demo itself).
 */
export type Fault = 'none' | 'requeue-off' | 'duplicate-start' | 'lost-outcome' | 'idle-kill';
export const faults: readonly Fault[] = ['none', 'requeue-off', 'duplicate-start', 'lost-outcome', 'idle-kill'];

/** The log, with a fault in front of it. */
export async function faultyStore(log: Log, fault: Fault): Promise<EventStore> {
  const clock = new SystemClock();
  const random = new SystemRandom();
  const store = await openLog(log);
  if (fault === 'none' || fault === 'idle-kill') return store;
  let done = false;
  return new Proxy<EventStore>(store, {
    get(target, key) {
      if (key !== 'append') {
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      }
      const append: EventStore['append'] = async (stream, expected, events, options): Promise<AppendOutcome> => {
        const types = events.map((e) => e.type);
        if (fault === 'requeue-off' && types.includes('JobRequeued')) {
          return { outcome: 'unavailable', message: 'switched off' };
        }
        if (
          fault === 'lost-outcome' &&
          !done &&
          types[0] === 'JobRunSucceeded' &&
          typeof expected === 'number' &&
          expected > 6
        ) {
          done = true;
          const { position } = (await target.readStream(stream, { direction: 'backwards', limit: 1 })).events[0];
          return { outcome: 'appended', revision: expected + events.length, position };
        }
        const outcome = await target.append(stream, expected, events, options);
        if (fault === 'duplicate-start' && !done && outcome.outcome === 'appended') {
          const start = events.find((e) => e.type === 'JobRunStarted');
          if (start) {
            done = true;
            const twice: NewEvent = { ...start, id: random.uuid(clock.wall()) };
            await target.append(stream, 'any', [twice]);
          }
        }
        return outcome;
      };
      return append;
    },
  });
}
