import assert from 'node:assert/strict';
import { part } from './contract';
import { appended, event, events, everything, ids, idsOf } from './props';

export const appendPart = part((says) => {
  says('an append answers with the revision and position of its last event', async ({ store }) => {
    const batch = events(3);
    const answer = await appended(store, 'job-1', 'no_stream', ...batch);
    assert.equal(answer.revision, 2);
    const { events: found } = await store.readStream('job-1', { direction: 'backwards', limit: 1 });
    assert.equal(found[0].id, batch[2].id);
    assert.equal(found[0].position, answer.position);
  });

  says('revisions of a stream are 0, 1, 2, … without gaps', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', ...events(2));
    await appended(store, 'other-1', 'no_stream', ...events(2));
    await appended(store, 'job-1', 1, ...events(3));
    await appended(store, 'job-1', 'any', event());
    const { events: found } = await store.readStream('job-1', { direction: 'forwards', limit: 100 });
    assert.deepEqual(
      found.map((one) => one.revision),
      [0, 1, 2, 3, 4, 5],
    );
  });

  says('positions are bigints above zero and strictly increasing over all streams', async ({ store }) => {
    for (let n = 0; n < 5; n++)
      for (const stream of ['job-1', 'service-1']) await appended(store, stream, 'any', ...events(2));
    const positions = (await everything(store)).map((one) => one.position);
    assert.equal(positions.length, 20);
    assert.ok(positions.every((position) => typeof position === 'bigint' && position > 0n));
    assert.ok(positions.every((position, index) => index === 0 || position > positions[index - 1]));
  });

  says('events of one append are adjacent in their stream, in the order given', async ({ store }) => {
    const batches = Array.from({ length: 20 }, () => events(5));
    await Promise.all(batches.map((batch) => store.append('job-1', 'any', batch)));
    const found = await ids(store, 'job-1');
    for (const batch of batches) {
      const at = found.indexOf(batch[0].id);
      assert.deepEqual(found.slice(at, at + 5), idsOf(batch));
    }
  });

  says('events are read back exactly as they were given', async ({ store }) => {
    const given = [
      event(
        'Größe geändert 🚚',
        '{ "b": 1.50, "a": "Zoë 🚚 \\u0000 \\ud83d", "c": [ null ] }',
        '{"$correlationId":"x"}',
      ),
      event('x'.repeat(256), 'null', '{ }'),
      event('Numbered', '12345678901234567890', '{"a":{}}'),
      event('Text', '"just text"', '{}'),
    ];
    await appended(store, 'job-Zoë 🚚', 'no_stream', ...given);
    const { events: found } = await store.readStream('job-Zoë 🚚', { direction: 'forwards', limit: 10 });
    assert.deepEqual(
      found.map(({ id, type, data, metadata }) => ({ id, type, data, metadata })),
      given,
    );
    assert.ok(found.every(({ stream }) => stream === 'job-Zoë 🚚'));
  });

  says('created is whole milliseconds, and later events are not older', async ({ store }) => {
    for (let n = 0; n < 5; n++) await appended(store, `job-${n}`, 'any', event());
    const created = (await everything(store)).map((one) => one.created);
    assert.ok(created.every((at) => Number.isSafeInteger(at)));
    assert.ok(created.every((at, index) => index === 0 || at >= created[index - 1]));
  });

  says('a wrong exact revision is a conflict that names the revision of the last event', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', ...events(3));
    for (const expected of [0, 1, 3, 100]) {
      const answer = await store.append('job-1', expected, [event()]);
      assert.deepEqual(answer, { outcome: 'conflict', actual: 2 }, `at ${expected}`);
    }
  });

  says('no_stream is a conflict where the stream exists', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', ...events(2));
    assert.deepEqual(await store.append('job-1', 'no_stream', [event()]), { outcome: 'conflict', actual: 1 });
  });

  says('an exact revision is a conflict that says no_stream where there is no stream', async ({ store }) => {
    assert.deepEqual(await store.append('job-1', 0, [event()]), { outcome: 'conflict', actual: 'no_stream' });
  });

  says('any appends wherever the stream stands, and makes it where there is none', async ({ store }) => {
    assert.equal((await appended(store, 'job-1', 'any', event())).revision, 0);
    assert.equal((await appended(store, 'job-1', 'any', ...events(2))).revision, 2);
  });

  says('a conflict writes nothing', async ({ store }) => {
    await appended(store, 'job-1', 'no_stream', event());
    const head = await store.head();
    await store.append('job-1', 'no_stream', events(3));
    await store.append('job-2', 4, events(3));
    assert.equal(await store.head(), head);
    assert.equal((await ids(store, 'job-1')).length, 1);
    assert.deepEqual(await store.readStream('job-2', { direction: 'forwards', limit: 1 }), {
      events: [],
      head: 'no_stream',
    });
  });

  says('events of one append are written together or not at all', async ({ store }) => {
    const bad = { ...event(), data: 'no json' };
    const answer = await store.append('job-1', 'no_stream', [event(), bad, event()]);
    assert.equal(answer.outcome, 'refused');
    assert.deepEqual(await store.readStream('job-1', { direction: 'forwards', limit: 10 }), {
      events: [],
      head: 'no_stream',
    });
    assert.equal(await store.head(), 'start');
  });

  says(
    'of many writers at the same revision exactly one wins, and the others learn where the stream is',
    async ({ store }) => {
      await appended(store, 'job-1', 'no_stream', event());
      for (let round = 0; round < 5; round++) {
        const answers = await Promise.all(Array.from({ length: 20 }, () => store.append('job-1', round, [event()])));
        assert.equal(answers.filter(({ outcome }) => outcome === 'appended').length, 1);
        const others = answers.filter(({ outcome }) => outcome !== 'appended');
        assert.ok(others.every((answer) => answer.outcome === 'conflict' && answer.actual === round + 1));
      }
      assert.equal((await ids(store, 'job-1')).length, 6);
    },
  );

  says('appends under way at the same time all land, each once', async ({ store }) => {
    const given = events(300);
    const answers = await Promise.all(
      given.map((one, n) => store.append(`job-${n % 7}`, 'any', [one], { lane: n % 5 === 0 ? 'urgent' : 'normal' })),
    );
    assert.ok(answers.every(({ outcome }) => outcome === 'appended'));
    const found = await everything(store);
    assert.deepEqual(idsOf(found).sort(), idsOf(given).sort());
    const positions = new Map(found.map(({ id, position }) => [id, position]));
    answers.forEach((answer, n) =>
      assert.equal(answer.outcome === 'appended' && answer.position, positions.get(given[n].id)),
    );
  });

  says(
    'of two stores on one log, writing at the same revision, exactly one wins',
    async ({ store, another }) => {
      const second = await another(store);
      await appended(store, 'job-1', 'no_stream', event());
      for (let round = 0; round < 10; round++) {
        const answers = await Promise.all([store, second].map((one) => one.append('job-1', round, [event()])));
        assert.deepEqual(answers.map(({ outcome }) => outcome).sort(), ['appended', 'conflict']);
      }
      assert.equal((await ids(second, 'job-1')).length, 11);
    },
    'another',
  );
});
