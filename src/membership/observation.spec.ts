import fc from 'fast-check';
import type { ServiceEvent, ServiceHeartbeat, ServiceMarkedFailed } from '../domain/service';
import { Observation } from './observation';

const FAIL_AFTER = 6_000;
const SELF_FENCE = 4_000;
const GAP = SELF_FENCE / 2;

let o: Observation;
/** Revisions of service streams. */
let revisions: Map<string, number>;
beforeEach(() => {
  o = new Observation({ serviceId: 'me', failAfterMs: FAIL_AFTER, selfFenceAfterMs: SELF_FENCE });
  revisions = new Map();
});

const tell = (serviceId: string, event: ServiceEvent, now: number, ageMs = 0) => {
  const revision = (revisions.get(serviceId) ?? -1) + 1;
  revisions.set(serviceId, revision);
  o.serviceEvent(serviceId, event, revision, now, ageMs);
};
const registered = (
  serviceId: string,
  incarnation: string,
  now: number,
  reason: 'start' | 'falselyFailed' = 'start',
  ageMs = 0,
) =>
  tell(
    serviceId,
    {
      type: 'ServiceRegistered',
      data: {
        serviceId,
        incarnation,
        labels: { host: 'h', name: serviceId },
        capacity: { maxOwnedJobs: 1, maxConcurrentRuns: 1 },
        handlers: {},
        process: { pid: 1, bootId: null, pidNamespace: null, startTicks: null },
        placementVersion: 1,
        reason,
        at: 0,
      },
    },
    now,
    ageMs,
  );
const reasserted = (serviceId: string, incarnation: string, now: number) =>
  tell(serviceId, { type: 'ServiceReasserted', data: { serviceId, incarnation, fencedForMs: 1, at: 0 } }, now);
const stopped = (serviceId: string, incarnation: string, now: number) =>
  tell(serviceId, { type: 'ServiceStopped', data: { serviceId, incarnation, leftovers: [], at: 0 } }, now);
const judgedBy = (observer: string, serviceId: string, incarnation: string, now: number) =>
  tell(
    serviceId,
    {
      type: 'ServiceMarkedFailed',
      data: {
        serviceId,
        incarnation,
        by: 'observer',
        observer,
        observerIncarnation: 'x',
        evidence: { kind: 'silence', lastBeat: 1, silenceMs: 1, thresholdMs: 1, membershipPosition: '1' },
        at: 0,
      },
    } as ServiceMarkedFailed,
    now,
  );
const marked = (serviceId: string, incarnation: string, now: number) =>
  tell(
    serviceId,
    {
      type: 'ServiceMarkedFailed',
      data: { serviceId, incarnation, by: 'operator', actor: 'op', reason: '', confirmedDead: false, at: 0 },
    } as ServiceMarkedFailed,
    now,
  );
const beat = (serviceId: string, incarnation: string, sequence: number, now: number) =>
  o.beat(
    {
      type: 'ServiceHeartbeat',
      data: {
        at: 0,
        serviceId,
        incarnation,
        sequence,
        owned: 0,
        running: 0,
        loopDelayMs: 0,
        clockSkewMs: 0,
        probe: false,
      },
    } satisfies ServiceHeartbeat,
    now,
  );
/** Own beats, one a second, read back at once. */
const ownBeats = (from: number, to: number) => {
  for (let t = from; t <= to; t += 1_000) o.ownBeat(t, t);
};
const judged = (now: number) => o.toJudge(now).map((s) => s.incarnation);

describe('silence', () => {
  beforeEach(() => {
    registered('me', 'me1', 0);
    o.ownBeat(0, 0);
    registered('x', 'x1', 0);
  });

  it('is the watermark less the time at which the last new beat was seen, never now less that time', () => {
    beat('x', 'x1', 1, 100);
    ownBeats(1_000, 3_000);
    expect(o.silenceOf('x1')).toBe(2_900);
    expect(o.silences(60_000)).toEqual([
      { serviceId: 'x', incarnation: 'x1', silenceMs: 2_900, thresholdMs: FAIL_AFTER, lastBeat: 1, revision: 0 },
    ]);
  });

  it('counts from the *start* of an own beat, though it is read back much later', () => {
    o.ownBeat(1_000, 50_000);
    expect(o.silenceOf('x1')).toBe(1_000);
  });

  it('only a greater sequence of that incarnation is a new beat', () => {
    beat('x', 'x1', 5, 100);
    ownBeats(1_000, 4_000);
    beat('x', 'x1', 5, 3_000);
    beat('x', 'x1', 4, 3_000);
    beat('x', 'x0', 9, 3_000);
    expect(o.silenceOf('x1')).toBe(3_900);
    beat('x', 'x1', 6, 3_500);
    expect(o.silenceOf('x1')).toBe(500);
    expect(o.lastBeatOf('x1')).toBe(6);
  });

  it('registration and reassertion count as beats; a drain does not', () => {
    ownBeats(1_000, 3_000);
    expect(o.silenceOf('x1')).toBe(3_000);
    tell('x', { type: 'ServiceDrainStarted', data: { serviceId: 'x', incarnation: 'x1', reason: '', at: 0 } }, 3_000);
    expect(o.silenceOf('x1')).toBe(3_000);
    reasserted('x', 'x1', 3_000);
    expect(o.silenceOf('x1')).toBe(0);
  });

  it('of an unregistered incarnation is not measured: its beats count for its author only', () => {
    beat('y', 'y1', 1, 0);
    ownBeats(1_000, 20_000);
    expect(o.silences(20_000).map((s) => s.serviceId)).toEqual(['x']);
  });

  it('of an ended incarnation is not judged; that of the next one is', () => {
    ownBeats(1_000, 3_000);
    stopped('x', 'x1', 3_000);
    ownBeats(4_000, 20_000);
    expect(judged(20_000)).toEqual([]);
    registered('x', 'x2', 20_000);
    beat('x', 'x1', 99, 25_000);
    ownBeats(21_000, 26_000);
    expect(judged(26_000)).toEqual(['x2']);
  });

  it('of this process’s own service id is not judged by this process', () => {
    beat('x', 'x1', 1, 19_000);
    ownBeats(1_000, 20_000);
    expect(judged(20_000)).toEqual([]);
  });
});

describe('windows', () => {
  it('a window starts with a registration: who dies before its first beat is judged too', () => {
    registered('me', 'me1', 0);
    ownBeats(0, 10_000);
    registered('x', 'x1', 10_500);
    ownBeats(11_000, 16_000);
    expect(judged(16_000)).toEqual([]);
    o.ownBeat(16_500, 16_500);
    expect(judged(16_500)).toEqual(['x1']);
  });

  it('the first own beat gives everybody a full one', () => {
    registered('me', 'me1', 0);
    registered('x', 'x1', 0);
    o.ownBeat(9_000, 9_200);
    expect(o.silenceOf('x1')).toBe(0);
    for (let t = 10_000; t <= 15_000; t += 1_000) o.ownBeat(t, t);
    expect(judged(15_000)).toEqual([]);
    o.ownBeat(15_200, 15_200);
    expect(judged(15_200)).toEqual(['x1']);
  });

  it('begin anew when two own beats started more than gapLimit apart', () => {
    registered('me', 'me1', 0);
    o.ownBeat(0, 0);
    registered('x', 'x1', 0);
    ownBeats(1_000, 5_000);
    o.ownBeat(5_000 + GAP, 5_000 + GAP);
    expect(o.silenceOf('x1')).toBe(5_000 + GAP);
    o.ownBeat(5_000 + 2 * GAP + 1, 9_100);
    expect(o.silenceOf('x1')).toBe(0);
    expect(judged(9_100)).toEqual([]);
  });

  it('and an own beat that is read back after a later one does not move the watermark back', () => {
    o.ownBeat(0, 0);
    o.ownBeat(2_000, 2_000);
    o.ownBeat(1_000, 2_100);
    expect(o.watermarkAge(3_000)).toBe(1_000);
  });

  it('begin anew when beats are missing that were read by nobody here: further behind than they are kept', () => {
    registered('me', 'me1', 0);
    registered('x', 'x1', 0);
    o.heartbeatRead('x', 700, 0);
    ownBeats(0, 5_000);
    o.heartbeatRead('x', 701, 5_000);
    expect(o.silenceOf('x1')).toBe(5_000);
    o.heartbeatRead('x', 701, 5_000);
    expect(o.silenceOf('x1')).toBe(5_000);
    o.heartbeatRead('x', 990, 5_000);
    expect(o.silenceOf('x1')).toBe(0);
  });
});

describe('gone before', () => {
  it('is who has no living incarnation, and whose last one ended before that', () => {
    registered('me', 'me1', 0);
    registered('x', 'x1', 0);
    registered('y', 'y1', 0);
    stopped('y', 'y1', 0);
    registered('y', 'y2', 0);
    marked('y', 'y2', 0);
    registered('z', 'z1', 0);
    stopped('z', 'z1', 0);
    registered('z', 'z2', 0);
    expect(o.goneBefore(0)).toEqual([]);
    expect(o.goneBefore(1)).toEqual(['y']);
  });

  it('is nobody of whom something cannot be read: it may be a registration', () => {
    registered('x', 'x1', 0);
    stopped('x', 'x1', 0);
    o.serviceEvent('x', { type: '$unreadable', originalType: 'ServiceRevived', why: 'unknown type' }, 2, 0);
    expect(o.goneBefore(1)).toEqual([]);
  });
});

describe('a verdict', () => {
  beforeEach(() => {
    registered('me', 'me1', 0);
    o.ownBeat(0, 0);
  });

  it('needs a silence of failAfter, to the millisecond', () => {
    registered('x', 'x1', 1);
    ownBeats(1_000, 6_000);
    expect(judged(6_000)).toEqual([]);
    o.ownBeat(6_001, 6_001);
    expect(judged(6_001)).toEqual(['x1']);
  });

  it('does not fall while the own watermark is older than selfFenceAfter', () => {
    registered('x', 'x1', 0);
    ownBeats(1_000, 6_000);
    expect(judged(6_000 + SELF_FENCE)).toEqual(['x1']);
    expect(judged(6_000 + SELF_FENCE + 1)).toEqual([]);
    expect(o.fresh(6_000 + SELF_FENCE + 1)).toBe(false);
  });

  it('on more than half of the living waits one more window, on half does not', () => {
    registered('x', 'x1', 0);
    ownBeats(1_000, 6_000);
    expect(judged(6_000)).toEqual(['x1']);
    registered('y', 'y1', 0);
    expect(o.liveCount()).toBe(3);
    expect(judged(6_000)).toEqual([]);
    ownBeats(7_000, 11_000);
    expect(judged(11_000)).toEqual([]);
    o.ownBeat(12_000, 12_000);
    expect(judged(12_000)).toEqual(['x1', 'y1']);
  });

  it('on more than half waits also when they fall silent one after the other', () => {
    for (const id of ['x', 'y', 'z']) registered(id, `${id}1`, 0);
    ownBeats(0, 1_000);
    beat('y', 'y1', 1, 300);
    beat('z', 'z1', 1, 900);
    ownBeats(2_000, 6_000);
    expect(o.liveCount()).toBe(4);
    expect(judged(6_000)).toEqual([]);
    o.ownBeat(6_950, 6_950);
    expect(judged(6_950)).toEqual([]);
    ownBeats(7_950, 12_950);
    expect(judged(12_950)).toEqual(['x1', 'y1', 'z1']);
    // One of them beats: the others are no more than half.
    beat('z', 'z1', 2, 12_960);
    expect(judged(12_960)).toEqual(['x1', 'y1']);
  });

  it('that was dropped is measured anew', () => {
    registered('x', 'x1', 0);
    ownBeats(1_000, 6_000);
    o.measureAnew('x1', 6_100);
    expect(judged(6_100)).toEqual([]);
    ownBeats(7_000, 12_000);
    expect(judged(12_000)).toEqual([]);
    o.ownBeat(12_100, 12_100);
    expect(judged(12_100)).toEqual(['x1']);
  });

  it('that was false doubles failAfter for that peer, for an hour, for its observer only', () => {
    registered('x', 'x1', 0);
    registered('y', 'y1', 0);
    judgedBy('me', 'x', 'x1', 6_000);
    judgedBy('other', 'y', 'y1', 6_000);
    registered('x', 'x2', 10_000, 'falselyFailed');
    registered('y', 'y2', 10_000, 'falselyFailed');
    const thresholds = (now: number) => o.silences(now).map((s) => [s.serviceId, s.thresholdMs]);
    expect(thresholds(3_609_999)).toEqual([
      ['x', 2 * FAIL_AFTER],
      ['y', FAIL_AFTER],
    ]);
    expect(thresholds(3_610_000)).toEqual([
      ['x', FAIL_AFTER],
      ['y', FAIL_AFTER],
    ]);
  });

  it('that was false long ago, read from history, doubles nothing', () => {
    registered('x', 'x1', 0);
    judgedBy('me', 'x', 'x1', 0);
    registered('x', 'x2', 0, 'falselyFailed', 3_600_000);
    expect(o.silences(1)[0].thresholdMs).toBe(FAIL_AFTER);
  });

  it('a peer that starts again after a true verdict is not doubled', () => {
    registered('x', 'x1', 0);
    judgedBy('me', 'x', 'x1', 6_000);
    registered('x', 'x2', 10_000);
    expect(o.silences(10_000)[0].thresholdMs).toBe(FAIL_AFTER);
  });
});

describe('after the end of an incarnation', () => {
  const silent = (incarnation: string, now = 0) => o.silentSinceEnd(incarnation, now);
  beforeEach(() => {
    registered('me', 'me1', 0);
    o.ownBeat(0, 0);
    registered('x', 'x1', 0);
  });

  it.each([
    ['an operator’s mark', marked],
    ['a stop', stopped],
  ])('silence is measured on: after %s, a full failAfter without a beat of it', (_, end) => {
    ownBeats(1_000, 10_000);
    end('x', 'x1', 10_000);
    expect(silent('x1')).toBe(false);
    ownBeats(11_000, 13_000);
    beat('x', 'x1', 40, 13_000);
    ownBeats(14_000, 18_000);
    expect(silent('x1')).toBe(false);
    o.ownBeat(19_000, 19_000);
    expect(silent('x1')).toBe(true);
  });

  it('and anew after a gap of the own beats', () => {
    marked('x', 'x1', 0);
    ownBeats(1_000, 5_000);
    o.ownBeat(9_000, 9_000);
    expect(silent('x1')).toBe(false);
    ownBeats(10_000, 15_000);
    expect(silent('x1')).toBe(true);
  });

  it('of one that nothing registers: from the first question on, and beats of it count', () => {
    ownBeats(1_000, 10_000);
    expect(silent('lost', 10_000)).toBe(false);
    ownBeats(11_000, 13_000);
    beat('x', 'lost', 40, 13_000);
    ownBeats(14_000, 18_000);
    expect(silent('lost', 18_000)).toBe(false);
    o.ownBeat(19_000, 19_000);
    expect(silent('lost', 19_000)).toBe(true);
  });

  it('is not begun by a question about one that lives', () => {
    ownBeats(1_000, 10_000);
    expect(silent('x1', 1_000)).toBe(false);
    expect(silent('x1', 10_000)).toBe(false);
  });

  it('is known of every incarnation, however many have ended since', () => {
    stopped('x', 'x1', 0);
    for (let n = 2; n < 1_000; n++) {
      registered('x', `x${n}`, 0);
      stopped('x', `x${n}`, 0);
    }
    ownBeats(1_000, 6_000);
    expect(silent('x1')).toBe(true);
  });
});

it('an event that is told again changes nothing', () => {
  registered('x', 'x1', 0);
  const before = o.service('x');
  o.serviceEvent('x', { type: '$unreadable', originalType: 'Q', why: 'w' }, 0, 5);
  expect(o.service('x')).toBe(before);
});

it('a service with an unreadable fact is not judged', () => {
  registered('me', 'me1', 0);
  o.ownBeat(0, 0);
  registered('x', 'x1', 0);
  ownBeats(1_000, 6_000);
  o.serviceEvent('x', { type: '$unreadable', originalType: 'Q', why: 'w' }, 1, 6_000);
  expect(judged(6_000)).toEqual([]);
});

it('whatever the delays: no peer is judged of which a beat was seen within failAfter before an own read-back beat began', () => {
  const step = fc.record({ kind: fc.constantFrom('peer', 'own', 'pause'), ms: fc.integer({ min: 0, max: 3_000 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      o = new Observation({ serviceId: 'me', failAfterMs: FAIL_AFTER, selfFenceAfterMs: SELF_FENCE });
      revisions = new Map();
      registered('me', 'me1', 0);
      registered('x', 'x1', 0);
      let now = 0;
      let seen = 0;
      let newestStart = -Infinity;
      let sequence = 0;
      for (const { kind, ms } of steps) {
        if (kind === 'pause') now += ms;
        if (kind === 'peer') {
          beat('x', 'x1', ++sequence, now);
          seen = now;
        }
        if (kind === 'own') {
          const start = Math.max(0, now - ms);
          newestStart = Math.max(newestStart, start);
          o.ownBeat(start, now);
        }
        if (judged(now).length > 0) expect(newestStart - seen).toBeGreaterThanOrEqual(FAIL_AFTER);
      }
    }),
  );
});

describe('registrations of the own id', () => {
  it('are counted over the time asked for, with those read from history, without those that stopped in order', () => {
    registered('me', 'm1', 1_000, 'start', 500_000);
    registered('me', 'm2', 1_000, 'start', 200_000);
    judgedBy('x', 'me', 'm2', 1_000);
    registered('me', 'm3', 1_000, 'start', 100_000);
    stopped('me', 'm3', 1_000);
    registered('x', 'x1', 1_000);
    registered('me', 'm4', 1_000);
    expect(o.registrationsWithin(600_000, 1_000)).toBe(3);
    expect(o.registrationsWithin(300_000, 1_000)).toBe(2);
    expect(o.registrationsWithin(300_000, 400_000)).toBe(0);
  });
});
