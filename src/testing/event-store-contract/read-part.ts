import assert from 'node:assert/strict';
import { categoryOf } from '../../event-store';
import { part } from './contract';
import { appended, event, events, everything, idsOf, typesOf } from './props';

const LETTERS = ['a', 'b', 'c', 'd', 'e'];
const lettered = () => LETTERS.map((letter) => event(letter));

export const readPart = part((says) => {
  says('a stream is read forwards from its first event, or from a revision, inclusive', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', ...lettered());
    const read = async (from?: number) =>
      typesOf((await store.readStream('job-1', { direction: 'forwards', from, limit: 100 })).events);
    assert.deepEqual(await read(), LETTERS);
    assert.deepEqual(await read(0), LETTERS);
    assert.deepEqual(await read(3), ['d', 'e']);
    assert.deepEqual(await read(5), []);
    assert.deepEqual(await read(1_000), []);
  });

  says('a stream is read backwards from its last event, or from a revision, inclusive', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', ...lettered());
    const read = async (from?: number) =>
      typesOf((await store.readStream('job-1', { direction: 'backwards', from, limit: 100 })).events);
    assert.deepEqual(await read(), [...LETTERS].reverse());
    assert.deepEqual(await read(1), ['b', 'a']);
    assert.deepEqual(await read(0), ['a']);
    assert.deepEqual(await read(1_000), [...LETTERS].reverse());
  });

  says('a read of a stream gives at most as many events as asked for', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', ...lettered());
    const forwards = await store.readStream('job-1', { direction: 'forwards', from: 1, limit: 2 });
    assert.deepEqual(typesOf(forwards.events), ['b', 'c']);
    const backwards = await store.readStream('job-1', { direction: 'backwards', limit: 1 });
    assert.deepEqual(typesOf(backwards.events), ['e']);
  });

  says('a slice names the revision of the last event of the whole stream', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', ...lettered());
    for (const direction of ['forwards', 'backwards'] as const)
      for (const from of [undefined, 2, 100])
        assert.equal((await store.readStream('job-1', { direction, from, limit: 1 })).head, 4);
  });

  says('a stream that does not exist is read as no events with head no_stream', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', event());
    for (const direction of ['forwards', 'backwards'] as const)
      assert.deepEqual(await store.readStream('job-2', { direction, limit: 1 }), { events: [], head: 'no_stream' });
  });

  says('what was acknowledged is read at once', async ({ store }) => {
    for (let n = 0; n < 20; n++) {
      const { position } = await appended(store, 'job-1', 'any', event());
      assert.equal((await store.readStream('job-1', { direction: 'backwards', limit: 1 })).head, n);
      assert.equal(await store.head(), position);
      assert.equal((await everything(store)).length, n + 1);
    }
  });

  says('the log is read in the order of positions, over all streams', async ({ store }) => {
    const given = events(30);
    for (const [n, one] of given.entries()) await appended(store, `s${n % 3}-${n % 4}`, 'any', one);
    assert.deepEqual(idsOf(await everything(store)), idsOf(given));
  });

  says('a read of the log begins after its position, exclusive', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', ...lettered());
    const all = await everything(store);
    const { events: found } = await store.readAll({ after: all[1].position, limit: 2 });
    assert.deepEqual(typesOf(found), ['c', 'd']);
  });

  says(
    'pages of the log, each after the position of the last, give every event once and come to an end',
    async ({ store }) => {
      const given = events(53);
      for (const [n, one] of given.entries()) await appended(store, `s${n % 3}-1`, 'any', one);
      for (const limit of [1, 7, 53, 100])
        assert.deepEqual(idsOf(await everything(store, undefined, limit)), idsOf(given));
    },
  );

  says('a slice says that it is the end only when no more events are there', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', ...lettered());
    const first = await store.readAll({ after: 'start', limit: 3 });
    assert.equal(first.end, false);
    const second = await store.readAll({ after: first.position, limit: 3 });
    assert.equal(second.end, true);
    assert.equal(second.position, await store.head());
  });

  says('a slice with nothing in it keeps its position: start on an empty log', async ({ store }) => {
    assert.deepEqual(await store.readAll({ after: 'start', limit: 1 }), { events: [], position: 'start', end: true });
    const { position } = await appended(store, 'job-1', 'no_stream', event());
    assert.deepEqual(await store.readAll({ after: position, limit: 1 }), { events: [], position, end: true });
    const beyond = position + 1_000n;
    assert.deepEqual(await store.readAll({ after: beyond, limit: 1 }), { events: [], position: beyond, end: true });
  });

  says('a read with categories gives the events of those categories only, in order', async ({ store }) => {
    const streams = ['job-1', 'jobs-1', 'job', 'acme.job-1', 'service-1', 'job-2-x', 'Job-1', '-job'];
    for (let n = 0; n < 40; n++) await appended(store, streams[n % streams.length], 'any', event());
    const all = await everything(store);
    for (const categories of [['job'], ['service', 'job'], ['jobs', 'acme.job', 'Job'], ['']]) {
      const expected = all.filter(({ stream }) => categories.includes(categoryOf(stream)));
      assert.ok(expected.length > 0);
      for (const limit of [1, 3, 100])
        assert.deepEqual(idsOf(await everything(store, categories, limit)), idsOf(expected), categories.join());
    }
  });

  says('a category named twice, or one that nothing has, changes nothing', async ({ store }) => {
    const given = event();
    await appended(store, 'job-1', 'any', given);
    assert.deepEqual(idsOf(await everything(store, ['job', 'job', 'nothing'])), [given.id]);
    assert.deepEqual(await everything(store, ['nothing']), []);
    const many = Array.from({ length: 40 }, (_, n) => `c${n}`);
    assert.deepEqual(idsOf(await everything(store, [...many, 'job'])), [given.id]);
  });

  says('a filtered read moves its position past the events of other categories', async ({ store }) => {
    await appended(store, 'job-1', 'any', event());
    const { position } = await appended(store, 'other-1', 'any', ...events(20));
    const slice = await store.readAll({ after: 'start', categories: ['job'], limit: 10 });
    assert.equal(slice.events.length, 1);
    assert.equal(slice.position, position);
    assert.equal(slice.end, true);
  });

  says('the event at a position is found there, and null elsewhere', async ({ store }) => {
    assert.equal(await store.readAt(1n), null);
    await appended(store, 'job-1', 'no_stream', ...lettered());
    const all = await everything(store);
    for (const one of all) assert.deepEqual(await store.readAt(one.position), one);
    for (const nowhere of [0n, -1n, all[4].position + 1n, 2n ** 80n]) assert.equal(await store.readAt(nowhere), null);
  });

  says('the head is the position of the newest event, and start while the log is empty', async ({ store }) => {
    assert.equal(await store.head(), 'start');
    for (const stream of ['job-1', 'service-1', 'job-1']) {
      const { position } = await appended(store, stream, 'any', event());
      assert.equal(await store.head(), position);
    }
  });

  says('10,000 events are read at once, and other limits are refused', async ({ store }) => {
    for (let n = 0; n < 20; n++) await appended(store, 'job-1', 'any', ...events(60));
    assert.equal((await store.readStream('job-1', { direction: 'forwards', limit: 10_000 })).events.length, 1_200);
    assert.equal((await store.readAll({ after: 'start', limit: 10_000 })).events.length, 1_200);
    for (const limit of [0, -1, 1.5, 10_001, NaN]) {
      await assert.rejects(store.readStream('job-1', { direction: 'forwards', limit }), `readStream, limit ${limit}`);
      await assert.rejects(store.readAll({ after: 'start', limit }), `readAll, limit ${limit}`);
    }
  });

  says(
    'a store reads what another store on the log has written, once that was acknowledged',
    async ({ store, another }) => {
      const second = await another(store);
      for (let n = 0; n < 10; n++) {
        const { position } = await appended(n % 2 ? store : second, 'job-1', 'any', event());
        const reader = n % 2 ? second : store;
        assert.equal((await reader.readStream('job-1', { direction: 'backwards', limit: 1 })).head, n);
        assert.equal(await reader.head(), position);
      }
    },
    'another',
  );
});
