import { fromServer, positionOf, toServer } from './event-text';
import type { FoundEvent } from './log-client';
import { LogNames, wants } from './log-names';

const id = '00000000-0000-7000-8000-000000000001';

/** What the client does with an event on its way to the server and back. */
function thereAndBack(data: string, metadata: string): FoundEvent {
  const sent = toServer({ id, type: 'Happened', data, metadata });
  const meta = sent.metadata as unknown;
  const bytes = meta instanceof Uint8Array ? Buffer.from(meta) : Buffer.from(JSON.stringify(meta));
  const parsed = (text: string, otherwise: unknown): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return otherwise;
    }
  };
  const isJson = sent.contentType === 'application/json';
  return {
    event: {
      id,
      streamId: 'acme.job-1',
      type: sent.type,
      revision: 7n,
      created: new Date(1_234),
      isJson,
      data: isJson ? parsed(JSON.stringify(sent.data), null) : sent.data,
      metadata: parsed(bytes.toString('utf8'), Uint8Array.from(bytes)),
      position: { commit: 99n, prepare: 99n },
    },
  } as unknown as FoundEvent;
}

describe('the text of an event', () => {
  it.each([
    ['{"n":1}', '{}'],
    ['{"n":1}', '{"$correlationId":"x","constructor":1,"__proto__":2}'],
    ['{ "b": 1.50, "a": [ null ] }', '{ }'],
    ['12345678901234567890', '{"a":1.0}'],
    ['"just text"', '{"b":1,"2":2,"1":1}'],
    ['null', '{"text":"\\u0000 \\ud83d 🚚"}'],
    ['-0', '{"a":"\\u0041"}'],
    ['"\ufeff"', '{"\ufeff":"\ufeff"}'],
    ['1e400', '{"a":1,"a":2}'],
  ])('comes back as it was given: %s, %s', (data, metadata) => {
    const event = fromServer(thereAndBack(data, metadata), new LogNames('acme'));
    expect([event?.data, event?.metadata]).toEqual([data, metadata]);
  });

  it('is JSON to the server unless that would alter it', () => {
    const sent = (data: string) => toServer({ id, type: 'T', data, metadata: '{}' }).contentType;
    expect(sent('{"n":[1,"€"]}')).toBe('application/json');
    expect(sent('{"n": 1}')).toBe('application/octet-stream');
  });
});

describe('an event of the server', () => {
  const names = new LogNames('acme');
  const one = thereAndBack('{}', '{}');
  const change = (more: object) => ({ event: { ...one.event, ...more } }) as FoundEvent;

  it('has the name, the position and the time that the log says', () => {
    expect(fromServer(one, names)).toMatchObject({ stream: 'job-1', revision: 7, position: 99n, created: 1_234 });
  });

  it.each([
    ['of another log', { streamId: 'other.job-1' }],
    ['of the server', { streamId: '$$acme.job-1' }],
    ['of the log itself', { streamId: names.identity }],
    ['that marks a stream as deleted for good', { revision: 2n ** 63n - 1n }],
  ])('is none of the log: one %s', (_what, more) => {
    expect(fromServer(change(more), names)).toBeNull();
  });

  it('may have no metadata, or bytes', () => {
    expect(fromServer(change({ metadata: undefined }), names)?.metadata).toBe('{}');
    expect(fromServer(change({ isJson: false, data: Uint8Array.from([123, 125]) }), names)?.data).toBe('{}');
  });

  it('must name its position', () => {
    expect(positionOf({ commitPosition: 5n } as FoundEvent)).toBe(5n);
    expect(() => positionOf(change({ position: undefined }))).toThrow(/22\.6/);
  });
});

describe('the names of a log', () => {
  it('are filtered by the server: never too few', () => {
    expect(new LogNames('acme').filter(['job', 'service', 'job'])).toEqual({ prefixes: ['acme.job', 'acme.service'] });
    expect(new LogNames('acme').filter(undefined)).toEqual({ prefixes: ['acme.'] });
    expect(new LogNames('').filter(['job'])).toEqual({ prefixes: ['job'] });
    for (const asked of [undefined, ['', 'job'], []])
      expect(new LogNames('').filter(asked)).toEqual({ regex: '^[^$]' });
  });

  it('are asked for by the part before the first dash', () => {
    const wanted = wants(['job', '']);
    expect(['job-1', 'job', '-x', 'jobs-1', 'service-1'].filter(wanted)).toEqual(['job-1', 'job', '-x']);
    expect(wants(undefined)('anything')).toBe(true);
  });

  it('leave the log’s own stream to the log', () => {
    expect(new LogNames('').problem('job-1')).toBeNull();
    expect(new LogNames('').problem(new LogNames('').identity)).not.toBeNull();
  });
});
