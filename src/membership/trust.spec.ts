import { VirtualClock } from '../clock';
import type { FenceReason } from './membership';
import { readClocks } from './reading';
import { OwnTrust } from './trust';

const SELF_FENCE = 4_000;

let clock: VirtualClock;
let trust: OwnTrust;
let fences: FenceReason[];
let trusts: boolean[];
const read = () => readClocks(clock);

beforeEach(async () => {
  clock = new VirtualClock();
  trust = new OwnTrust(clock, SELF_FENCE);
  fences = [];
  trusts = [];
  trust.onFence(({ reason }) => fences.push(reason));
  trust.onTrust(({ returned }) => trusts.push(returned));
  await clock.advance(1_000);
});

describe('own trust', () => {
  it('does not exist before a registration, and a beat does not make it', () => {
    expect(trust.check()).toBe('not-registered');
    expect(trust.remainingMs()).toBeLessThanOrEqual(0);
    trust.renew(read());
    expect(trust.check()).toBe('not-registered');
    expect(fences).toEqual([]);
  });

  it('runs selfFenceAfter from the start of a beat, not from its acknowledgement', async () => {
    const start = read();
    await clock.advance(1_500);
    trust.begin('i1', start, start);
    expect(trusts).toEqual([false]);
    expect(trust.remainingMs()).toBe(2_500);
    await clock.advance(2_499);
    expect(trust.check()).toBeNull();
    await clock.advance(1);
    expect(trust.check()).toBe('trust-expired');
  });

  it('is renewed by a beat acknowledged before it expires, and never by one acknowledged after', async () => {
    trust.begin('i1', read(), read());
    await clock.advance(2_000);
    const early = read();
    await clock.advance(1_900);
    trust.renew(early);
    expect(trust.remainingMs()).toBe(2_100);
    const late = read();
    await clock.advance(2_100);
    trust.renew(late);
    expect(trust.check()).toBe('trust-expired');
    trust.renew(read());
    expect(trust.check()).toBe('trust-expired');
  });

  it('is not shortened by an older beat that is answered later', async () => {
    trust.begin('i1', read(), read());
    const older = read();
    await clock.advance(1_000);
    trust.renew(read());
    trust.renew(older);
    expect(trust.remainingMs()).toBe(SELF_FENCE);
  });

  it('notices the fence by a timer, once, without anybody looking', async () => {
    trust.begin('i1', read(), read());
    await clock.advance(SELF_FENCE);
    expect(fences).toEqual(['trust-expired']);
    await clock.advance(SELF_FENCE * 3);
    trust.check();
    expect(fences).toEqual(['trust-expired']);
  });

  it('measures the greater of monotonic and boot time: a suspend counts', () => {
    trust.begin('i1', read(), read());
    clock.suspend(SELF_FENCE - 1);
    expect(trust.check()).toBe('clock-jump');
    expect(trust.remainingMs()).toBe(1);
    clock.suspend(1);
    expect(trust.check()).toBe('trust-expired');
  });

  it('returns only by a reassertion acknowledged within selfFenceAfter of its start', async () => {
    trust.begin('i1', read(), read());
    await clock.advance(SELF_FENCE);
    const start = read();
    await clock.advance(SELF_FENCE);
    expect(trust.reassert(start)).toBe(false);
    expect(trust.check()).toBe('trust-expired');
    const again = read();
    await clock.advance(1_000);
    expect(trust.fencedForMs()).toBe(5_000);
    expect(trust.reassert(again)).toBe(true);
    expect(trust.check()).toBeNull();
    expect(trust.remainingMs()).toBe(3_000);
    expect(trusts).toEqual([false, true]);
  });

  it.each<FenceReason>(['marked-failed', 'superseded', 'log-went-back', 'stopped'])(
    'does not return by reassertion from %s, also when its trust had expired before',
    async (reason) => {
      trust.begin('i1', read(), read());
      await clock.advance(SELF_FENCE);
      trust.fence(reason);
      expect(trust.check()).toBe(reason);
      expect(trust.reassert(read())).toBe(false);
      expect(trust.check()).toBe(reason);
      expect(fences).toEqual(['trust-expired']);
    },
  );

  it('is fenced at once, and told once', () => {
    trust.begin('i1', read(), read());
    trust.fence('marked-failed');
    trust.fence('trust-expired');
    expect(trust.check()).toBe('marked-failed');
    expect(fences).toEqual(['marked-failed']);
  });

  it('begins anew with a new incarnation after any fence', () => {
    trust.begin('i1', read(), read());
    trust.fence('marked-failed');
    trust.begin('i2', read(), read());
    expect(trust.check()).toBeNull();
  });

  it('of an incarnation whose first beat was read back too late is expired, so that it can reassert itself', async () => {
    trust.begin('i1', read(), read());
    trust.fence('marked-failed');
    const start = read();
    await clock.advance(SELF_FENCE);
    trust.begin('i2', start, start);
    expect(trust.check()).toBe('trust-expired');
    expect(trust.reassert(read())).toBe(true);
  });

  it('of an incarnation whose first beat came longer than selfFenceAfter after its registration is expired, however young that beat is', async () => {
    const registration = read();
    await clock.advance(SELF_FENCE - 1);
    trust.begin('i1', read(), registration);
    expect(trust.check()).toBeNull();
    trust.fence('marked-failed');
    const again = read();
    await clock.advance(SELF_FENCE);
    // Others have counted its silence since the registration: a verdict may be on its way.
    trust.begin('i2', read(), again);
    expect(trust.check()).toBe('trust-expired');
    expect(trust.reassert(read())).toBe(true);
  });

  it('tells every listener, also after one that fails', () => {
    const heard: string[] = [];
    trust.onFence(() => {
      throw new Error('broken listener');
    });
    const stop = trust.onFence(() => heard.push('gone'));
    stop();
    trust.onFence(({ incarnation }) => heard.push(incarnation));
    trust.begin('i1', read(), read());
    trust.fence('stopped');
    expect(heard).toEqual(['i1']);
  });
});

describe('doubt about the wall clock', () => {
  beforeEach(() => trust.begin('i1', read(), read()));

  it.each([1_500, -1_500])('a jump of %d ms is doubt, not expiry: no fence is told', (ms) => {
    clock.jumpWall(ms);
    expect(trust.check()).toBe('clock-jump');
    expect(fences).toEqual([]);
    expect(trust.doubt).not.toBeNull();
  });

  it('a jump of a second or less is none', () => {
    clock.jumpWall(1_000);
    expect(trust.check()).toBeNull();
  });

  it('trust runs on under it: renewed by beats, expired without', async () => {
    clock.jumpWall(5_000);
    expect(trust.check()).toBe('clock-jump');
    await clock.advance(3_000);
    trust.renew(read());
    await clock.advance(3_000);
    expect(trust.check()).toBe('clock-jump');
    await clock.advance(1_000);
    expect(trust.check()).toBe('trust-expired');
    expect(fences).toEqual(['trust-expired']);
  });

  it('settles when the very jump that was looked into is settled, not a later one', async () => {
    clock.jumpWall(5_000);
    trust.check();
    const first = trust.doubt!;
    await clock.advance(10);
    clock.jumpWall(-5_000);
    trust.settleDoubt(first);
    expect(trust.check()).toBe('clock-jump');
    trust.settleDoubt(trust.doubt!);
    expect(trust.check()).toBeNull();
  });

  it('those who wait for it are answered: trusted when it is settled, not when it is fenced', async () => {
    await expect(trust.settled()).resolves.toBe(true);
    clock.jumpWall(5_000);
    const waits = trust.settled();
    trust.settleDoubt(trust.doubt!);
    await expect(waits).resolves.toBe(true);
    clock.jumpWall(5_000);
    const again = trust.settled();
    trust.fence('marked-failed');
    await expect(again).resolves.toBe(false);
    await expect(trust.settled()).resolves.toBe(false);
  });

  it('a jump before a reassertion began is settled by it; one that came after its start remains', async () => {
    await clock.advance(SELF_FENCE);
    clock.jumpWall(5_000);
    expect(trust.check()).toBe('trust-expired');
    await clock.advance(1);
    expect(trust.reassert(read())).toBe(true);
    expect(trust.check()).toBeNull();
    await clock.advance(SELF_FENCE);
    const start = read();
    await clock.advance(1);
    clock.jumpWall(5_000);
    expect(trust.reassert(start)).toBe(true);
    expect(trust.check()).toBe('clock-jump');
  });
});
