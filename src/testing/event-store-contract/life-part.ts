import assert from 'node:assert/strict';
import type { EventStore } from '../../event-store';
import { part } from './contract';
import { Listener, appended, event, events, everything, ids, idsOf, until, within } from './props';

async function closedFor(store: EventStore): Promise<void> {
  const answer = await store.append('job-1', 'any', [event()]);
  assert.ok(answer.outcome === 'refused' && answer.code === 'closed', `the answer was ${answer.outcome}`);
}

export const lifePart = part((says) => {
  says('keepLast keeps at least the last events, and drops none of another stream', async ({ store }) => {
    await store.keepLast('beat-1', 10);
    const other = events(30);
    await appended(store, 'job-1', 'no_stream', ...other);
    const given = events(300);
    for (const one of given) await appended(store, 'beat-1', 'any', one);
    assert.deepEqual((await ids(store, 'beat-1')).slice(-10), idsOf(given.slice(-10)));
    assert.deepEqual(await ids(store, 'job-1'), idsOf(other));
  });

  says('keepLast changes neither the revisions nor the head of its stream', async ({ store }) => {
    await appended(store, 'beat-1', 'no_stream', ...events(200));
    await store.keepLast('beat-1', 3);
    const { head, events: found } = await store.readStream('beat-1', { direction: 'backwards', limit: 3 });
    assert.equal(head, 199);
    assert.deepEqual(
      found.map(({ revision }) => revision),
      [199, 198, 197],
    );
    assert.deepEqual(await store.append('beat-1', 5, [event()]), { outcome: 'conflict', actual: 199 });
    assert.equal((await appended(store, 'beat-1', 199, event())).revision, 200);
    assert.equal((await appended(store, 'beat-1', 'any', event())).revision, 201);
  });

  says('a stream whose old events have vanished is read from the first one that is left', async ({ store }) => {
    await appended(store, 'beat-1', 'no_stream', ...events(200));
    await store.keepLast('beat-1', 3);
    for (const from of [undefined, 0]) {
      const { events: found } = await store.readStream('beat-1', { direction: 'forwards', from, limit: 10_000 });
      assert.ok(found.length >= 3);
      assert.equal(found.at(-1)?.revision, 199);
      found.forEach((one, n) => assert.equal(one.revision, 200 - found.length + n));
    }
    assert.ok((await everything(store)).length >= 3);
  });

  says('a subscription goes on over events that have vanished', async ({ store }) => {
    await store.keepLast('beat-1', 2);
    await appended(store, 'beat-1', 'no_stream', ...events(500));
    const { position } = await appended(store, 'job-1', 'no_stream', event());
    const listener = new Listener(store);
    await until(() => listener.positions.at(-1) === position, 'the newest event');
  });

  says('keepLast with an age drops nothing that is younger, and revisions go on', async ({ store }) => {
    const given = events(20);
    await appended(store, 'beat-1', 'no_stream', ...given);
    await store.keepLast('beat-1', 256, 3_600_000);
    assert.deepEqual(await ids(store, 'beat-1'), idsOf(given));
    assert.equal((await appended(store, 'beat-1', 'any', event())).revision, 20);
  });

  says('a read in no direction, or from what is no revision, is rejected', async ({ store }) => {
    await store.append('job-1', 'no_stream', [event('a')]);
    const read = (words: object) =>
      store.readStream('job-1', { direction: 'forwards', limit: 1, ...words } as Parameters<
        typeof store.readStream
      >[1]);
    for (const direction of ['', 'sideways', null]) await assert.rejects(read({ direction }), `direction ${direction}`);
    for (const from of [-1, 0.5, NaN]) await assert.rejects(read({ from }), `from ${from}`);
  });

  says('keepLast of a name that no stream may have is rejected', async ({ store }) => {
    for (const stream of ['', '$all', 'beat-\u0000'])
      await assert.rejects(store.keepLast(stream, 5), `stream ${stream}`);
  });

  says('keepLast of less than one event, or of less than a second, is rejected', async ({ store }) => {
    for (const count of [0, -1, 1.5, NaN]) await assert.rejects(store.keepLast('beat-1', count), `count ${count}`);
    for (const age of [0, 999, 1_000.5, NaN]) await assert.rejects(store.keepLast('beat-1', 1, age), `age ${age}`);
  });

  says('a log has an identity, of generation 1 at first, and keeps it', async ({ store }) => {
    const first = await store.identity();
    assert.ok(typeof first.id === 'string' && first.id.length > 0);
    assert.equal(first.generation, 1);
    await appended(store, 'job-1', 'any', event());
    assert.deepEqual(await store.identity(), first);
  });

  says('raiseGeneration raises the generation by one and keeps the identity', async ({ store }) => {
    const { id } = await store.identity();
    assert.deepEqual(await store.raiseGeneration(), { id, generation: 2 });
    assert.deepEqual(await store.raiseGeneration(), { id, generation: 3 });
    assert.deepEqual(await store.identity(), { id, generation: 3 });
  });

  says('the generation is never raised beyond 511', async ({ store }) => {
    for (let generation = 2; generation <= 511; generation++) await store.raiseGeneration();
    assert.equal((await store.identity()).generation, 511);
    await assert.rejects(store.raiseGeneration());
    assert.equal((await store.identity()).generation, 511);
  });

  says('after close appends are refused with closed', async ({ store }) => {
    await appended(store, 'job-1', 'any', event());
    await within(store.close(), 'close');
    await closedFor(store);
  });

  says('after close reads are rejected', async ({ store }) => {
    await store.close();
    await assert.rejects(store.readStream('job-1', { direction: 'forwards', limit: 1 }), {
      name: 'StoreUnavailableError',
    });
    await assert.rejects(store.readAll({ after: 'start', limit: 1 }), { name: 'StoreUnavailableError' });
  });

  says('close ends subscriptions', async ({ store }) => {
    const listener = new Listener(store);
    await until(() => listener.caughtUp > 0, 'caught up');
    await within(store.close(), 'close');
    assert.equal((await within(listener.subscription.ended, 'the end')).reason, 'closed');
  });

  says('a subscription to a closed store ends at once', async ({ store }) => {
    await store.close();
    const listener = new Listener(store);
    await within(listener.subscription.ended, 'the end');
    assert.equal(listener.batches.length, 0);
  });

  says('close gives the appends under way their answers', async ({ store }) => {
    const asked = Array.from({ length: 50 }, (_, n) => store.append(`job-${n}`, 'no_stream', [event()]));
    const closing = store.close();
    for (const answer of await within(Promise.all(asked), 'the answers')) assert.equal(answer.outcome, 'appended');
    await within(closing, 'close');
  });

  says('closing a store twice is the same as once', async ({ store }) => {
    await within(Promise.all([store.close(), store.close()]), 'close');
    await within(store.close(), 'close');
    await closedFor(store);
  });

  says(
    'a log that is opened again has the same events, positions, identity and generation',
    async ({ store, reopen }) => {
      for (let n = 0; n < 20; n++) await appended(store, `job-${n % 3}`, 'any', ...events(2));
      const identity = await store.raiseGeneration();
      const before = await everything(store);
      const opened = await reopen(store);
      assert.deepEqual(await everything(opened), before);
      assert.deepEqual(await opened.identity(), identity);
    },
    'reopen',
  );

  says(
    'revisions, positions and created go on after the log was opened again',
    async ({ store, reopen }) => {
      await appended(store, 'job-1', 'no_stream', ...events(3));
      const last = (await everything(store))[2];
      const opened = await reopen(store);
      const answer = await appended(opened, 'job-1', 2, event());
      assert.equal(answer.revision, 3);
      assert.ok(answer.position > last.position);
      const newest = await opened.readAt(answer.position);
      assert.ok(newest !== null && newest.created >= last.created);
    },
    'reopen',
  );

  says(
    'what keepLast was told holds after the log was opened again',
    async ({ store, reopen }) => {
      await store.keepLast('beat-1', 5);
      await appended(store, 'beat-1', 'no_stream', ...events(10));
      const opened = await reopen(store);
      for (let n = 0; n < 400; n++) await appended(opened, 'beat-1', 'any', event());
      const found = await ids(opened, 'beat-1');
      assert.ok(found.length >= 5 && found.length < 410, `${found.length} events are left`);
    },
    'reopen',
  );
});
