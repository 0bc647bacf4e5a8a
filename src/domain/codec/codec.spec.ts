import { Codec, decode, encode } from '.';
import type { JobPaused } from '../job';

const paused: JobPaused = { type: 'JobPaused', data: { at: 1, reason: 'r' } };

describe('codec', () => {
  it('gives back what it was given', () => {
    const { type, data } = encode(paused);
    expect(decode(type, data, '{}')).toEqual(paused);
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
