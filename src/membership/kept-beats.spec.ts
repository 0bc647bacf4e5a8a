import { SeededRandom, VirtualClock } from '../clock';
import { MemoryEventStore, StoreUnavailableError, type EventStore } from '../event-store';
import { silentLogger } from '../logging';
import { KeptBeats, keptBeats } from './kept-beats';
import { livenessProfiles, type LivenessOptions } from './options';

const DAY = 86_400_000;
const MINUTE = 60_000;

class Kept {
  readonly calls: unknown[][] = [];
  unavailable = false;
  readonly store = {
    keepLast: (...call: Parameters<EventStore['keepLast']>) => {
      this.calls.push(call);
      return this.unavailable ? Promise.reject(new StoreUnavailableError('it does not answer')) : Promise.resolve();
    },
  } as unknown as EventStore;
}

let clock: VirtualClock;
let log: Kept;
/** Service id → when its last incarnation ended. */
let ended: Map<string, number>;
beforeEach(() => {
  clock = new VirtualClock();
  log = new Kept();
  ended = new Map();
});

function made(liveness: LivenessOptions = livenessProfiles.default, store = log.store): KeptBeats {
  const ports = { store, clock, clusterTime: { now: () => clock.wall() }, logger: silentLogger };
  return new KeptBeats(ports, { stream: (serviceId) => `heartbeat-${serviceId}`, liveness });
}
async function look(kept: KeptBeats): Promise<void> {
  kept.look((instant) => [...ended].filter(([, at]) => at < instant).map(([serviceId]) => serviceId));
  await clock.settle();
}

describe('beats of a service that is gone', () => {
  it('are kept for a day after its end, and then those of the last day, until the next service is gone', async () => {
    const kept = made();
    ended.set('a', clock.wall());
    await clock.advance(DAY);
    await look(kept);
    expect(log.calls).toEqual([]);
    await clock.advance(MINUTE);
    await look(kept);
    expect(log.calls).toEqual([['heartbeat-a', 256, DAY]]);
    await clock.advance(MINUTE);
    await look(kept);
    ended.set('b', clock.wall() - 2 * DAY);
    await clock.advance(MINUTE);
    await look(kept);
    expect(log.calls.slice(1)).toEqual([['heartbeat-b', 256, DAY]]);
  });

  it('are looked at once a minute, and told again when the log did not answer', async () => {
    const kept = made();
    ended.set('a', clock.wall() - 2 * DAY);
    log.unavailable = true;
    await look(kept);
    await look(kept);
    await clock.advance(MINUTE - 1);
    await look(kept);
    expect(log.calls).toHaveLength(1);
    log.unavailable = false;
    await clock.advance(1);
    await look(kept);
    await clock.advance(MINUTE);
    await look(kept);
    expect(log.calls).toHaveLength(2);
  });

  it('are told to another log anew', async () => {
    const kept = made();
    ended.set('a', clock.wall() - 2 * DAY);
    await look(kept);
    kept.forget();
    await clock.advance(MINUTE);
    await look(kept);
    expect(log.calls).toHaveLength(2);
  });

  it('are kept for longer than those take that are counted, where beats are hours apart', async () => {
    const liveness = { ...livenessProfiles.default, beatMs: 3_600_000, failAfterMs: 6 * 3_600_000 };
    const least = keptBeats(liveness) * liveness.beatMs;
    expect(least).toBeGreaterThan(10 * liveness.failAfterMs);
    const kept = made(liveness);
    ended.set('a', clock.wall() - least);
    await look(kept);
    expect(log.calls).toEqual([]);
    await clock.advance(MINUTE);
    await look(kept);
    expect(log.calls).toEqual([['heartbeat-a', keptBeats(liveness), least]]);
  });

  it('vanish from the log but for the newest, and revisions go on when it comes back', async () => {
    const store = new MemoryEventStore({ clock, random: new SeededRandom(1) });
    const random = new SeededRandom(2);
    const beat = () =>
      store.append('heartbeat-a', 'any', [{ id: random.uuid(0), type: 'Beat', data: '{}', metadata: '{}' }]);
    for (let n = 0; n < 10; n++) await beat();
    ended.set('a', clock.wall());
    await clock.advance(DAY + MINUTE);
    await look(made(livenessProfiles.default, store));
    const read = async () => (await store.readStream('heartbeat-a', { direction: 'forwards', limit: 100 })).events;
    expect((await read()).map(({ revision }) => revision)).toEqual([9]);
    await beat();
    expect((await read()).map(({ revision }) => revision)).toEqual([9, 10]);
  });
});
