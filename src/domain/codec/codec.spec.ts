import { Codec, decode, encode, readableEvents } from '.';
import { BOOKS_SCHEMA, absentJob, fold } from '../job';
import type { JobEvent, JobPaused, JobState } from '../job';
import { anna, definition, facts, minutely, once, run } from '../job/story.fixture';

const paused: JobPaused = { type: 'JobPaused', data: { at: 1, reason: 'r' } };

describe('codec', () => {
  it('gives back what it was given', () => {
    const { type, data } = encode(paused);
    expect(decode(type, data, '{}')).toEqual(paused);
  });

  const first = run(60, 1, 1, anna);
  const life: readonly JobEvent[] = [
    facts.scheduled(0, minutely, 60),
    facts.rescheduled(1, definition({ schedule: once }), null),
    {
      type: 'JobNextSlotRecomputed',
      data: { formerSlot: 'a', formerZoneData: '2026a', nextSlot: 'b', zoneData: '2026b', at: 2 },
    },
    facts.endSet(2),
    facts.requested(3, 3),
    facts.bound(4, 1, anna),
    facts.skipped(5, 'overlap', [60, 120, 2], 180),
    facts.skippedRequests(5, ['manual:3'], null),
    facts.started(60, first, anna, 120),
    facts.succeeded(61, first),
    facts.failed(61, first, 1, 71),
    facts.timedOut(61, first, 0, null),
    facts.abandoned(61, first, 'drain'),
    facts.late(61, first, 'failed', 'x'),
    facts.released(62, 1, anna, 'home', 'bert@host'),
    facts.requeued(62, 1, anna, 'nobody'),
    facts.held(62, first),
    facts.holdResolved(63, first, 'retry', 120),
    facts.quarantined(63, 3),
    facts.releasedFromQuarantine(64),
    facts.paused(65),
    facts.resumed(66, 120),
    facts.completed(67, 'failed'),
    facts.cancelled(68),
    facts.removed(69),
  ];
  const state = fold(life) as Extract<JobState, { stage: 'removed' }>;
  const books: JobEvent = { type: 'JobBooksClosed', data: { schemaVersion: BOOKS_SCHEMA, state, at: 1 } };

  it.each([...life, books].map((event) => [event.type, event]))('gives back %s as it was', (_, event) => {
    const { type, data, schemaVersion } = encode(event);
    expect(decode(type, data, JSON.stringify({ schemaVersion }))).toEqual(event);
  });

  it('was asked for every type of job event', () => {
    const types = new Set([...life, books].map(({ type }) => `${type}@1`));
    expect(readableEvents.filter((type) => type.startsWith('Job') && !types.has(type))).toEqual([]);
  });

  it.each([...life, books].map((event) => [event.type, event]))('misses every field of %s', (_, { type, data }) => {
    for (const field of Object.keys(data)) {
      const { [field]: _left, ...others } = data as unknown as Record<string, unknown>;
      expect([field, decode(type, JSON.stringify(others), '{}').type]).toEqual([field, '$unreadable']);
    }
  });

  const scheduledWith = (part: object) => {
    const { data } = facts.scheduled(0, minutely, 60);
    return JSON.stringify({ ...data, definition: { ...minutely, ...part } });
  };
  it.each<[object, string]>([
    [
      { schedule: { ...minutely.schedule, kind: 'lunar' } },
      'definition.schedule.kind is none of once, interval, cron, calendar',
    ],
    [{ schedule: { kind: 'interval' } }, 'definition.schedule.everyMs is missing'],
    [{ schedule: null }, 'definition.schedule is no object'],
    [
      { policies: { ...minutely.policies, overlap: 'two' } },
      'definition.policies.overlap is none of skip, queue, replace',
    ],
    [{ policies: { ...minutely.policies, overlap: undefined } }, 'definition.policies.overlap is missing'],
    ...[{ allow: 1 }, { allow: '2' }, { allow: 2.5 }, {}, { allow: 2, queue: 1 }].map((overlap): [object, string] => [
      { policies: { ...minutely.policies, overlap } },
      'definition.policies.overlap is no { allow: n }',
    ]),
    [
      { policies: { ...minutely.policies, misfire: 'twice' } },
      'definition.policies.misfire is none of skip, once, all',
    ],
    [{ policies: { ...minutely.policies, misfire: null } }, 'definition.policies.misfire is none of skip, once, all'],
    [
      { policies: { ...minutely.policies, misfire: { policy: 'all', run: 'latest' } } },
      'definition.policies.misfire.cap is missing',
    ],
    [
      { policies: { ...minutely.policies, misfire: { policy: 'most' } } },
      'definition.policies.misfire.policy is none of skip, once, all',
    ],
    [{ policies: { ...minutely.policies, retry: {} } }, 'definition.policies.retry.maxRetries is missing'],
    [{ policies: { ...minutely.policies, timeoutMs: '1' } }, 'definition.policies.timeoutMs is no number'],
    [{ tag: [] }, 'definition.tag is no object'],
    [{ handler: 7 }, 'definition.handler is no string'],
  ])('does not take a definition that it would not understand: %j', (part, why) => {
    expect(decode('JobScheduled', scheduledWith(part), '{}')).toMatchObject({ type: '$unreadable', why });
  });

  it('does not take books that it would not understand', () => {
    const data = { at: 1, schemaVersion: BOOKS_SCHEMA, state: { ...(state as object), stage: 'resting' } };
    expect(decode('JobBooksClosed', JSON.stringify(data), '{}')).toMatchObject({
      why: 'state.stage is none of live, quarantined, completed, cancelled, removed',
    });
  });

  it('takes the payload as it is, also none', () => {
    for (const payload of [null, 0, '', [], { deep: [{}] }, 'a — \u2028 \ud83d\ude00']) {
      expect(decode('JobScheduled', scheduledWith({ payload }), '{}')).toMatchObject({
        data: { definition: { payload } },
      });
    }
  });

  it('is used by what decides: an unreadable definition makes the job opaque', () => {
    const read = decode('JobScheduled', scheduledWith({ handler: 7 }), '{}');
    expect(fold([read as JobEvent], 0, absentJob)).toMatchObject({ stage: 'opaque', revision: 0 });
  });

  it('keeps fields that it does not know', () => {
    expect(decode('JobPaused', '{"at":1,"reason":"r","more":true}', '{"schemaVersion":1}')).toMatchObject({
      data: { more: true },
    });
  });

  it.each([
    ['JobPraised', '{"at":1}', '{}', 'no event type JobPraised'],
    ['toString', '{"at":1}', '{}', 'no event type toString'],
    ['JobPaused', '{', '{}', 'JSON'],
    ['JobPaused', '[]', '{}', 'data is no JSON object'],
    ['JobPaused', '{"reason":"r"}', '{}', 'at is no number'],
    ['JobPaused', '{"at":1}', '{}', 'reason is missing'],
    ['JobPaused', '{"at":1,"reason":7}', '{}', 'reason is no string'],
    ['JobPaused', '{"at":1,"reason":"r"}', '{"schemaVersion":2}', 'schema version 2 is newer than 1'],
    ['JobPaused', '{"at":1,"reason":"r"}', '{"schemaVersion":"2"}', 'names no schema version'],
    ['JobPaused', '{"at":1,"reason":"r"}', '{"schemaVersion":0}', 'names no schema version'],
    [
      'JobReleased',
      '{"at":1,"epoch":1,"serviceId":"s","incarnation":"i","reason":"drain","target":7}',
      '{}',
      'target is no string',
    ],
    ['JobBooksClosed', '{"at":1,"schemaVersion":99,"state":{}}', '{}', 'books of schema 99'],
  ])('says why %s %s %s cannot be read', (type, data, metadata, why) => {
    expect(decode(type, data, metadata)).toMatchObject({
      type: '$unreadable',
      originalType: type,
      why: expect.stringContaining(why),
    });
  });

  it('takes older versions through every upcaster in order, and says when one is missing', () => {
    const upcasters = {
      JobPaused: [
        (d: unknown) => ({ ...(d as object), reason: 'b' }),
        (d: unknown) => ({ ...(d as object), reason: `${(d as { reason: string }).reason}c` }),
      ],
    };
    const newer = new Codec({ JobPaused: 3 }, upcasters);
    expect(newer.decode('JobPaused', '{"at":1}', '{}')).toMatchObject({ data: { reason: 'bc' } });
    expect(newer.decode('JobPaused', '{"at":1,"reason":"x"}', '{"schemaVersion":2}')).toMatchObject({
      data: { reason: 'xc' },
    });
    expect(newer.encode(paused).schemaVersion).toBe(3);
    expect(new Codec({ JobPaused: 2 }).decode('JobPaused', '{"at":1}', '{}')).toMatchObject({ type: '$unreadable' });
  });
});
