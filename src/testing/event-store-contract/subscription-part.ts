import assert from 'node:assert/strict';
import type { RecordedEvent } from '../../event-store';
import { part } from './contract';
import { Listener, appended, event, events, everything, idsOf, lull, until, within } from './props';

export const subscriptionPart = part((says) => {
  says('a subscription from the start delivers every event once and in order, old and new', async ({ store }) => {
    const given = events(40);
    for (const one of given.slice(0, 20)) await appended(store, 'job-1', 'any', one);
    const listener = new Listener(store);
    for (const one of given.slice(20)) await appended(store, 'job-2', 'any', one);
    await listener.hears(40);
    await lull();
    assert.deepEqual(idsOf(listener.heard), idsOf(given));
    assert.deepEqual(listener.heard, await everything(store));
  });

  says('a subscription from a position delivers what comes after it, exclusive', async ({ store }) => {
    const given = events(10);
    await appended(store, 'job-1', 'any', ...given);
    const { position } = (await everything(store))[6];
    const listener = new Listener(store, { after: position });
    await listener.hears(3);
    await lull();
    assert.deepEqual(idsOf(listener.heard), idsOf(given.slice(7)));
  });

  says('a subscription from the end delivers only what is appended after it was made', async ({ store }) => {
    await appended(store, 'job-1', 'any', ...events(10));
    const listener = new Listener(store, { after: 'end' });
    const given = events(3);
    await appended(store, 'job-1', 'any', ...given);
    await listener.hears(3);
    await lull();
    assert.deepEqual(idsOf(listener.heard), idsOf(given));
  });

  says('a subscription with categories delivers the events of those only', async ({ store }) => {
    const listener = new Listener(store, { categories: ['job', 'service'] });
    for (let n = 0; n < 40; n++) await appended(store, `${['job', 'jobs', 'service', 'x'][n % 4]}-1`, 'any', event());
    await listener.hears(20);
    await lull();
    assert.deepEqual(idsOf(listener.heard), idsOf(await everything(store, ['job', 'service'])));
  });

  says('the position of a subscription moves past the events of other categories', async ({ store }) => {
    const listener = new Listener(store, { categories: ['job'] });
    await appended(store, 'job-1', 'any', event());
    const { position } = await appended(store, 'other-1', 'any', ...events(5));
    await until(() => listener.positions.at(-1) === position, 'the position of the newest event');
    assert.equal(listener.heard.length, 1);
  });

  says('positions of a subscription grow, and cover the events they come with', async ({ store }) => {
    const listener = new Listener(store, { batch: 3 });
    for (let n = 0; n < 20; n++) await appended(store, `s${n % 2}-1`, 'any', event());
    await listener.hears(20);
    listener.positions.forEach((position, n) => {
      assert.ok(n === 0 || position > listener.positions[n - 1], 'they grow');
      assert.ok(
        listener.batches[n].every((one) => one.position <= position),
        'they cover',
      );
    });
  });

  says('a batch has at most as many events as asked for, 500 by default', async ({ store }) => {
    for (let n = 0; n < 24; n++) await appended(store, 'job-1', 'any', ...events(50));
    const small = new Listener(store, { batch: 7 });
    const usual = new Listener(store);
    await small.hears(1_200);
    await usual.hears(1_200);
    assert.ok(small.batches.every(({ length }) => length <= 7));
    assert.ok(usual.batches.every(({ length }) => length <= 500));
    assert.deepEqual(idsOf(small.heard), idsOf(usual.heard));
  });

  says('onEvents is never called while an earlier call has not settled', async ({ store }) => {
    let running = 0;
    let most = 0;
    const heard: RecordedEvent[] = [];
    const listener = new Listener(store, {
      batch: 5,
      onEvents: async (batch) => {
        most = Math.max(most, ++running);
        await lull();
        running--;
        heard.push(...batch);
      },
    });
    for (let n = 0; n < 8; n++) await appended(store, 'job-1', 'any', ...events(5));
    await until(() => heard.length === 40, '40 events');
    assert.equal(most, 1);
    assert.deepEqual(idsOf(heard), idsOf(await everything(store)));
    await listener.subscription.close();
  });

  says('a handler that throws ends its subscription with reason handler', async ({ store }) => {
    const error = new Error('cannot');
    const listener = new Listener(store, {
      onEvents: () => {
        throw error;
      },
    });
    await appended(store, 'job-1', 'any', event());
    assert.deepEqual(await within(listener.subscription.ended, 'the end'), { reason: 'handler', error });
  });

  says(
    'a handler that rejects ends its subscription with reason handler, and is not called again',
    async ({ store }) => {
      const error = new Error('cannot');
      let calls = 0;
      const listener = new Listener(store, {
        batch: 1,
        onEvents: async () => {
          calls++;
          await Promise.resolve();
          throw error;
        },
      });
      await appended(store, 'job-1', 'any', ...events(5));
      assert.deepEqual(await within(listener.subscription.ended, 'the end'), { reason: 'handler', error });
      await appended(store, 'job-1', 'any', event());
      await lull();
      assert.equal(calls, 1);
    },
  );

  says('one subscription that ends does not disturb the others', async ({ store }) => {
    const broken = new Listener(store, { onEvents: () => Promise.reject(new Error('cannot')) });
    let release = () => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow = new Listener(store, { onEvents: () => gate });
    const healthy = new Listener(store);
    await appended(store, 'job-1', 'any', ...events(3));
    await within(broken.subscription.ended, 'the end');
    await appended(store, 'job-1', 'any', event());
    await healthy.hears(4);
    release();
    await within(slow.subscription.close(), 'close');
  });

  says('no call of onEvents begins after close', async ({ store }) => {
    const listener = new Listener(store);
    await appended(store, 'job-1', 'any', event());
    await listener.hears(1);
    const closed = listener.subscription.close();
    await appended(store, 'job-1', 'any', event());
    await within(closed, 'close');
    await lull();
    assert.equal(listener.heard.length, 1);
    assert.deepEqual(await within(listener.subscription.ended, 'the end'), { reason: 'closed' });
  });

  says('close resolves when the call under way has settled', async ({ store }) => {
    let release = () => {};
    let settled = false;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let begun = false;
    const listener = new Listener(store, {
      onEvents: async () => {
        begun = true;
        await gate;
        settled = true;
      },
    });
    await appended(store, 'job-1', 'any', event());
    await until(() => begun, 'the first call');
    let closed = false;
    const closing = listener.subscription.close().then(() => (closed = true));
    await lull();
    assert.equal(closed, false, 'close waits');
    release();
    await within(closing, 'close');
    assert.equal(settled, true);
  });

  says('closing a subscription twice is the same as once', async ({ store }) => {
    const listener = new Listener(store);
    await Promise.all([listener.subscription.close(), listener.subscription.close()]);
    await listener.subscription.close();
    assert.deepEqual(await within(listener.subscription.ended, 'the end'), { reason: 'closed' });
  });

  says('onCaughtUp is called on an empty log too', async ({ store }) => {
    const all = new Listener(store);
    const end = new Listener(store, { after: 'end' });
    await until(() => all.caughtUp > 0, 'caught up from the start');
    await until(() => end.caughtUp > 0, 'caught up from the end');
    assert.equal(all.batches.flat().length, 0);
  });

  says('onCaughtUp is called when everything has been delivered, not before', async ({ store }) => {
    await appended(store, 'job-1', 'any', ...events(20));
    const heardThen: number[] = [];
    let heard = 0;
    new Listener(store, {
      batch: 3,
      onEvents: async (batch) => {
        await Promise.resolve();
        heard += batch.length;
      },
      onCaughtUp: () => heardThen.push(heard),
    });
    await until(() => heardThen.length > 0, 'caught up');
    assert.deepEqual(heardThen, [20]);
    await appended(store, 'job-1', 'any', ...events(2));
    await until(() => heardThen.at(-1) === 22, 'caught up again');
  });

  says('a burst of 500 events in one append is delivered whole, to every subscription', async ({ store }) => {
    const listeners = Array.from({ length: 5 }, (_, n) => new Listener(store, n % 2 ? { categories: ['job'] } : {}));
    const given = events(500);
    await appended(store, 'job-1', 'no_stream', ...given);
    for (const listener of listeners) {
      await listener.hears(500);
      assert.deepEqual(idsOf(listener.heard), idsOf(given));
    }
  });

  says('a burst of 1,000 appends at once is delivered in order, each event once', async ({ store }) => {
    const listener = new Listener(store);
    const answers = await Promise.all(events(1_000).map((one, n) => store.append(`job-${n % 50}`, 'any', [one])));
    assert.ok(answers.every(({ outcome }) => outcome === 'appended'));
    await listener.hears(1_000);
    await lull();
    assert.deepEqual(idsOf(listener.heard), idsOf(await everything(store)));
  });

  says('a handler may append, and is given what it appended', async ({ store }) => {
    const listener = new Listener(store, {
      batch: 1,
      onEvents: async ([one]) => {
        if (one && one.revision < 10) await appended(store, 'job-1', one.revision, event());
      },
    });
    await appended(store, 'job-1', 'no_stream', event());
    const last = new Listener(store);
    await last.hears(11);
    await listener.subscription.close();
  });

  says(
    'events that another store on the log appends are delivered too',
    async ({ store, another }) => {
      const second = await another(store);
      const listener = new Listener(store, { after: 'end', categories: ['job'] });
      const given = events(20);
      for (const one of given) {
        await appended(second, 'job-1', 'any', one);
        await listener.hears(given.indexOf(one) + 1);
      }
      assert.deepEqual(idsOf(listener.heard), idsOf(given));
    },
    'another',
  );
});
