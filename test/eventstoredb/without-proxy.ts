import type { EventStoreDBClient } from '@eventstore/db-client';
import { SystemClock, SystemRandom } from '../../src/clock';
import { EventStoreDbConnection } from '../../src/event-store/eventstoredb/connection-string';
import { loadClient } from '../../src/event-store/eventstoredb/load-client';
import { takeClient } from '../../src/event-store/eventstoredb/shared-client';
import type { EventStore, NewEvent } from '../../src/event-store';
import { freshNamespace, openLog } from './log-of-its-own';

const clock = new SystemClock();
const random = new SystemRandom();
const event = (): NewEvent => ({ id: random.uuid(clock.wall()), type: 'Happened', data: '{}', metadata: '{}' });
const events = (count: number) => Array.from({ length: count }, event);
const none = { events: [], head: 'no_stream' };

/** A log, and what others do to its streams with the server's own client. */
interface Scene {
  readonly namespace: string;
  readonly store: EventStore;
  readonly another: (appendTimeoutMs?: number) => Promise<EventStore>;
  readonly client: EventStoreDBClient;
  readonly as: { readonly credentials: { readonly username: string; readonly password: string } };
  readonly read: (stream: string) => ReturnType<EventStore['readStream']>;
}

type Case = readonly [name: string, run: (scene: Scene) => Promise<void>];

const CASES: readonly Case[] = [
  [
    'a stream that was deleted for good is read as none, and refuses every append',
    async ({ namespace, store, client, as, read }) => {
      await store.append('job-1', 'no_stream', [event()]);
      await client.tombstoneStream(`${namespace}.job-1`, as);
      expect(await read('job-1')).toEqual(none);
      for (const expected of ['no_stream', 'any', 0] as const)
        expect(await store.append('job-1', expected, [event()])).toMatchObject({
          outcome: 'refused',
          code: 'stream-deleted',
        });
      expect((await store.readAll({ after: 'start', limit: 10 })).events).toHaveLength(1);
    },
  ],
  [
    'a stream that was soft-deleted is read as none; a conflict says what a read says, and numbering goes on',
    async ({ namespace, store, client, as, read }) => {
      await store.append('job-1', 'no_stream', events(2));
      await client.deleteStream(`${namespace}.job-1`, as);
      expect(await read('job-1')).toEqual(none);
      expect(await store.append('job-1', 0, [event()])).toEqual({ outcome: 'conflict', actual: 'no_stream' });
      expect(await store.append('job-1', 'no_stream', [event()])).toMatchObject({ outcome: 'appended', revision: 2 });
      expect((await read('job-1')).events.map(({ revision }) => revision)).toEqual([2]);
    },
  ],
  [
    'a stream that was truncated is read from what is left; what cannot be read cannot be appended again',
    async ({ namespace, store, client, as, read }) => {
      const [gone, kept] = [events(2), events(2)];
      await store.append('job-1', 'no_stream', gone);
      const answer = await store.append('job-1', 1, kept);
      await client.setStreamMetadata(`${namespace}.job-1`, { truncateBefore: 2 }, as);
      expect(await read('job-1')).toMatchObject({
        events: [{ id: kept[0].id, revision: 2 }, { revision: 3 }],
        head: 3,
      });
      expect(await store.append('job-1', 'no_stream', gone)).toEqual({ outcome: 'conflict', actual: 3 });
      expect(await store.append('job-1', 1, kept)).toEqual(answer);
      expect(await store.append('job-1', 3, [event()])).toMatchObject({ outcome: 'appended', revision: 4 });
    },
  ],
  [
    'keepLast leaves what else is in the metadata of the stream as it was',
    async ({ namespace, store, client, as }) => {
      const before = { maxAge: 86_400, acl: { deleteRoles: ['$admins'] }, theirs: 'x' };
      await client.setStreamMetadata(`${namespace}.heartbeat-1`, before, as);
      await store.keepLast('heartbeat-1', 256);
      await store.keepLast('heartbeat-1', 300);
      const { metadata } = await client.getStreamMetadata(`${namespace}.heartbeat-1`, as);
      expect(metadata).toMatchObject({ ...before, maxCount: 300 });
      await store.keepLast('heartbeat-1', 300, 172_800_000);
      const after = await client.getStreamMetadata(`${namespace}.heartbeat-1`, as);
      expect(after.metadata).toMatchObject({ ...before, maxAge: 172_800, maxCount: 300 });
    },
  ],
  [
    'keepLast by several at the same time: all are told, and one of them holds',
    async ({ namespace, another, client, as }) => {
      const stores = await Promise.all([another(), another(), another(), another()]);
      await Promise.all(stores.map((store, n) => store.keepLast('heartbeat-1', 10 + n)));
      const { metadata } = await client.getStreamMetadata(`${namespace}.heartbeat-1`, as);
      expect([10, 11, 12, 13]).toContain(metadata?.maxCount);
    },
  ],
  [
    'a log that several make at the same time is one log, and each raise of its generation counts',
    async ({ namespace, another, client, as }) => {
      const stores = await Promise.all([another(), another(), another(), another()]);
      const made = await Promise.all(stores.map((store) => store.identity()));
      expect(new Set(made.map(({ id }) => id)).size).toBe(1);
      // One event tells who the log is; those before it are not kept.
      const { metadata } = await client.getStreamMetadata(`${namespace}.holdfast_log-identity`, as);
      expect(metadata).toMatchObject({ maxCount: 1 });
      const raised = await Promise.all(stores.map((store) => store.raiseGeneration()));
      expect(raised.map(({ generation }) => generation).sort()).toEqual([2, 3, 4, 5]);
      const late = await another();
      expect(await late.identity()).toEqual({ id: made[0].id, generation: 5 });
      expect(await late.head()).toBe('start');
    },
  ],
  [
    'a consumer that is slower than the log hears every event once and in order',
    async ({ store }) => {
      const heard: string[] = [];
      const onEvents = async (batch: readonly { readonly id: string }[]): Promise<void> => {
        await clock.sleep(2);
        heard.push(...batch.map(({ id }) => id));
      };
      const subscription = store.subscribe({ after: 'start', batch: 50, onEvents });
      const given = Array.from({ length: 1_000 }, (_, n) => ({ stream: `job-${n}`, one: event() }));
      const answers = await Promise.all(given.map(({ stream, one }) => store.append(stream, 'no_stream', [one])));
      const burst = events(500);
      await store.append('job-burst', 'no_stream', burst);
      for (let n = 0; heard.length < 1_500 && n < 3_000; n++) await clock.sleep(10);
      await subscription.close();
      const positions = answers.map((answer) => (answer.outcome === 'appended' ? answer.position : 0n));
      const inOrder = given.map(({ one }, n) => ({ id: one.id, at: positions[n] }));
      inOrder.sort((a, b) => (a.at < b.at ? -1 : 1));
      expect(heard).toEqual([...inOrder, ...burst].map(({ id }) => id));
    },
  ],
  [
    'appends that nobody waited for long enough: sent again, each is there once',
    async ({ store, another }) => {
      const hasty = await another(1);
      const given = Array.from({ length: 100 }, (_, n) => ({ stream: `job-${n}`, one: event() }));
      await Promise.all(given.map(({ stream, one }) => hasty.append(stream, 'no_stream', [one])));
      for (const { stream, one } of given)
        expect(await store.append(stream, 'no_stream', [one])).toMatchObject({ outcome: 'appended', revision: 0 });
      const found = (await store.readAll({ after: 'start', limit: 1_000 })).events.map(({ id }) => id);
      expect(found.sort()).toEqual(given.map(({ one }) => one.id).sort());
    },
  ],
];

/** What can go wrong with a server that nobody stands in front of: the same cases against the stand-in, and against a server. */
export function faultsWithoutProxy(
  url: () => string,
): readonly { readonly name: string; readonly run: () => Promise<void> }[] {
  return CASES.map(([name, run]) => ({
    name,
    run: async () => {
      const connection = EventStoreDbConnection.parse(url());
      const namespace = freshNamespace();
      const open: { close(): Promise<void> }[] = [];
      const another = async (appendTimeoutMs?: number) => {
        const store = await openLog(url(), namespace, { probeMs: 100, appendTimeoutMs });
        open.push(store);
        return store;
      };
      const taken = takeClient(await loadClient(), connection, clock);
      try {
        const store = await another();
        await run({
          ...{ namespace, store, another },
          client: taken.client as unknown as EventStoreDBClient,
          as: { credentials: connection.credentials },
          read: (stream) => store.readStream(stream, { direction: 'forwards', limit: 100 }),
        });
      } finally {
        await Promise.all(open.map((store) => store.close()));
        await taken.release();
      }
    },
  }));
}
