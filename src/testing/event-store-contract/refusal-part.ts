import assert from 'node:assert/strict';
import {
  MAX_APPEND_BYTES,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
  type StoreRefusalCode,
} from '../../event-store';
import { part } from './contract';
import { appended, event, ids } from './props';

async function refused(
  store: EventStore,
  code: StoreRefusalCode,
  wrong: { stream?: string; expected?: ExpectedRevision; batch?: readonly NewEvent[] },
): Promise<void> {
  const { stream, expected, batch } = { stream: 'job-1', expected: 'any' as const, batch: [event()], ...wrong };
  const answer = await store.append(stream, expected, batch);
  assert.ok(answer.outcome === 'refused', `${code}: the answer was ${answer.outcome}`);
  assert.equal(answer.code, code);
  assert.ok(answer.message.length > 0, 'a refusal says why');
  assert.equal(await store.head(), 'start', 'a refusal writes nothing');
}

/** An append of exactly so many bytes of data + metadata + type. */
function sized(bytes: number, filling = 'x'): NewEvent[] {
  const one = event('T', '1 ', '{}');
  const left = bytes - 5 - 5;
  const width = Buffer.byteLength(filling);
  const text = filling.repeat(Math.floor(left / width)) + 'x'.repeat(left % width);
  return [one, event('T', JSON.stringify(text), '{}')];
}

export const refusalPart = part((says) => {
  says('a stream name that is empty, too long, not well-formed or begins with $ is refused', async ({ store }) => {
    for (const stream of ['', 'x'.repeat(1_025), '$all', '$', 'job-\ud800', 'job-\u0000', 'job-\n', 'job-\u007f'])
      await refused(store, 'stream-name', { stream });
  });

  says(
    'a stream name of 1,024 characters, of any letters, without a dash or with several, is taken',
    async ({ store }) => {
      for (const stream of ['x'.repeat(1_024), 'ж-🚚', 'plain', '-', 'job-a-b$', ' ', 'it\'s-%_"1']) {
        const given = event();
        await appended(store, stream, 'no_stream', given);
        assert.deepEqual(await ids(store, stream), [given.id]);
      }
    },
  );

  says('an event id that is no UUID in lower case, or nil, is refused', async ({ store }) => {
    const nil = '00000000-0000-0000-0000-000000000000';
    for (const id of ['', 'x', nil, event().id.toUpperCase().replace(/^./, 'A'), event().id.slice(1), `${event().id}0`])
      await refused(store, 'event-id', { batch: [event(), { ...event(), id }] });
  });

  says('an event type that is empty, longer than 256 characters, or half a character is refused', async ({ store }) => {
    for (const type of ['', 'x'.repeat(257), 'T\ud83d']) await refused(store, 'event-type', { batch: [event(type)] });
  });

  says('data that does not parse as JSON is refused', async ({ store }) => {
    for (const data of ['', 'text', '{', '{"a":}', 'undefined', 'NaN', "{'a':1}", '{"a":"\ud83d"}'])
      await refused(store, 'event-json', { batch: [event('T', data)] });
  });

  says('metadata that does not parse to a JSON object is refused', async ({ store }) => {
    for (const metadata of ['', '{', '[]', 'null', '1', '"text"', '{"a":"\ud83d"}'])
      await refused(store, 'event-json', { batch: [event('T', '{}', metadata)] });
  });

  says('an expected revision that is no revision, no_stream or any is refused', async ({ store }) => {
    const wrong: unknown[] = [-1, 1.5, NaN, Infinity, 2 ** 53, 'stream_exists', '0', null, undefined, 0n];
    for (const expected of wrong) await refused(store, 'expected-revision', { expected: expected as ExpectedRevision });
  });

  says('an empty append is refused', async ({ store }) => {
    await refused(store, 'empty-append', { batch: [] });
    await refused(store, 'empty-append', { batch: [], expected: 'no_stream' });
  });

  says('an append of more than 1 MiB of data, metadata and types is refused', async ({ store }) => {
    await refused(store, 'append-size', { batch: sized(MAX_APPEND_BYTES + 1) });
  });

  says('the size of an append is counted in bytes, not in characters', async ({ store }) => {
    await refused(store, 'append-size', { batch: sized(MAX_APPEND_BYTES + 1, '€') });
  });

  says('an append of exactly 1 MiB is taken and read back', async ({ store }) => {
    for (const [n, filling] of ['x', '€'].entries()) {
      const batch = sized(MAX_APPEND_BYTES, filling);
      await appended(store, `job-${n}`, 'no_stream', ...batch);
      const { events: found } = await store.readStream(`job-${n}`, { direction: 'forwards', limit: 2 });
      assert.ok(found[1].data === batch[1].data, 'the data is as it was given');
    }
  });

  says('a refused append leaves the stream as it was', async ({ store }) => {
    const first = event();
    await appended(store, 'job-1', 'no_stream', first);
    const answer = await store.append('job-1', 0, [{ ...event(), type: '' }]);
    assert.equal(answer.outcome, 'refused');
    assert.deepEqual(await ids(store, 'job-1'), [first.id]);
    await appended(store, 'job-1', 0, event());
  });

  says('append never rejects, whatever it is given', async ({ store }) => {
    const nonsense = [undefined, null, 1, {}, [], Symbol('x')] as unknown[];
    for (const stream of nonsense) {
      const answer = await store.append(stream as string, 'any', [event()]);
      assert.equal(answer.outcome, 'refused');
    }
    for (const field of ['id', 'type', 'data', 'metadata']) {
      for (const value of nonsense) {
        const answer = await store.append('job-1', 'any', [{ ...event(), [field]: value } as NewEvent]);
        assert.equal(answer.outcome, 'refused', `${field}: ${String(value)}`);
      }
    }
    for (const batch of nonsense) {
      const answer = await store.append('job-1', 'any', batch as NewEvent[]);
      assert.equal(answer.outcome, 'refused', `events: ${String(batch)}`);
      const within = await store.append('job-1', 'any', [batch as NewEvent]);
      assert.equal(within.outcome, 'refused', `event: ${String(batch)}`);
    }
    assert.equal(await store.head(), 'start');
  });
});
