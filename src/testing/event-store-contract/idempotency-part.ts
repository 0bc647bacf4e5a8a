import assert from 'node:assert/strict';
import { part } from './contract';
import { appended, event, events, ids, idsOf } from './props';

export const idempotencyPart = part((says) => {
  says('the same append again at no_stream is answered as before, and nothing is written', async ({ store }) => {
    const batch = events(3);
    const first = await appended(store, 'job-1', 'no_stream', ...batch);
    assert.deepEqual(await store.append('job-1', 'no_stream', batch), first);
    assert.deepEqual(await ids(store, 'job-1'), idsOf(batch));
    assert.equal(await store.head(), first.position);
  });

  says(
    'the same append again at an exact revision is answered as before, and nothing is written',
    async ({ store }) => {
      await appended(store, 'job-1', 'no_stream', ...events(2));
      const batch = events(2);
      const first = await appended(store, 'job-1', 1, ...batch);
      assert.deepEqual(await store.append('job-1', 1, batch), first);
      assert.equal((await ids(store, 'job-1')).length, 4);
    },
  );

  says(
    'a retry after later appends is answered with its own revision and position, not with the head',
    async ({ store }) => {
      const batch = events(2);
      const first = await appended(store, 'job-1', 'no_stream', ...batch);
      const second = await appended(store, 'job-1', 1, ...events(5));
      const third = event();
      const last = await appended(store, 'job-1', second.revision, third);
      await appended(store, 'job-2', 'no_stream', event());
      assert.deepEqual(await store.append('job-1', 'no_stream', batch), first);
      assert.deepEqual(await store.append('job-1', second.revision, [third]), last);
      assert.equal((await ids(store, 'job-1')).length, 8);
    },
  );

  says('a prefix of an earlier append at the same revision is accepted, and nothing is written', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', event());
    const batch = events(3);
    await appended(store, 'job-1', 0, ...batch);
    const { events: found } = await store.readStream('job-1', { direction: 'forwards', limit: 10 });
    const answer = await store.append('job-1', 0, batch.slice(0, 2));
    assert.deepEqual(answer, { outcome: 'appended', revision: 2, position: found[2].position });
    assert.equal((await ids(store, 'job-1')).length, 4);
  });

  says('an append of an old and a new event at no_stream is a conflict, and nothing is written', async ({ store }) => {
    const old = event();
    await appended(store, 'job-1', 'no_stream', old);
    assert.deepEqual(await store.append('job-1', 'no_stream', [old, event()]), { outcome: 'conflict', actual: 0 });
    assert.deepEqual(await ids(store, 'job-1'), [old.id]);
  });

  says('the events of an earlier append in another order, or with one exchanged, are a conflict', async ({ store }) => {
    const [first, second] = events(2);
    await appended(store, 'job-1', 'no_stream', first, second);
    for (const batch of [[second, first], [first, event()], [event(), second], [second]]) {
      assert.deepEqual(await store.append('job-1', 'no_stream', batch), { outcome: 'conflict', actual: 1 });
    }
    assert.deepEqual(await ids(store, 'job-1'), [first.id, second.id]);
  });

  says('data is not compared: the first content under an id stays', async ({ store }) => {
    const given = event('Happened', '{"first":true}');
    const first = await appended(store, 'job-1', 'no_stream', given);
    const other = { ...given, type: 'Other', data: '{"first":false}', metadata: '{"a":1}' };
    assert.deepEqual(await store.append('job-1', 'no_stream', [other]), first);
    const { events: found } = await store.readStream('job-1', { direction: 'forwards', limit: 10 });
    assert.deepEqual(
      found.map(({ type, data }) => [type, data]),
      [['Happened', '{"first":true}']],
    );
  });

  says('the same id in another stream is another event', async ({ store }) => {
    const given = event();
    await appended(store, 'job-1', 'no_stream', given);
    await appended(store, 'job-2', 'no_stream', given);
    assert.deepEqual(await ids(store, 'job-2'), [given.id]);
  });

  says('the same id twice in one append is two events', async ({ store }) => {
    const given = event();
    const answer = await appended(store, 'job-1', 'no_stream', given, given);
    assert.equal(answer.revision, 1);
    assert.deepEqual(await store.append('job-1', 'no_stream', [given, given]), answer);
    assert.equal((await ids(store, 'job-1')).length, 2);
  });

  says('the same ids at a newer exact revision are a new append', async ({ store }) => {
    const batch = events(2);
    await appended(store, 'job-1', 'no_stream', ...batch);
    assert.equal((await appended(store, 'job-1', 1, ...batch)).revision, 3);
  });

  says('the same append sent several times at once is written once, and all get the same answer', async ({ store }) => {
    const batch = events(2);
    const answers = await Promise.all(Array.from({ length: 10 }, () => store.append('job-1', 'no_stream', batch)));
    assert.equal(answers[0].outcome, 'appended');
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.deepEqual(await ids(store, 'job-1'), idsOf(batch));
  });

  says(
    'a retry after the log was opened again is answered as before',
    async ({ store, reopen }) => {
      const batch = events(2);
      const first = await appended(store, 'job-1', 'no_stream', ...batch);
      const later = await appended(store, 'job-1', 1, event());
      const opened = await reopen(store);
      assert.deepEqual(await opened.append('job-1', 'no_stream', batch), first);
      assert.equal(await opened.head(), later.position);
    },
    'reopen',
  );

  says(
    'a retry through another store on the log is answered as before',
    async ({ store, another }) => {
      const batch = events(2);
      const first = await appended(store, 'job-1', 'no_stream', ...batch);
      const second = await another(store);
      assert.deepEqual(await second.append('job-1', 'no_stream', batch), first);
      assert.equal((await ids(second, 'job-1')).length, 2);
    },
    'another',
  );
});
