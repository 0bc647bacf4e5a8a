import { END, type EventStoreDBClient } from '@eventstore/db-client';
import type { StandIn } from './stand-in';
import {
  PATHS,
  PLAIN,
  ShiftedClock,
  all,
  clientOf,
  clock,
  closeEverything,
  event,
  events,
  failure,
  idsIn,
  newId,
  standIn,
} from './bare';

/** The stand-in answers the published client as design/eventstoredb.md says that the real server does. */

let server: StandIn;
let client: EventStoreDBClient;
beforeEach(async () => {
  server = await standIn({ writeTimeoutMs: 50 });
  client = clientOf(server);
});
afterEach(closeEverything);

const conflict = (expectedVersion: unknown, actualVersion: unknown) => ({
  class: 'WrongExpectedVersionError',
  type: 'wrong-expected-version',
  code: undefined,
  message: '',
  expectedVersion,
  actualVersion,
});

describe.each(PATHS)('an append on the %s path', (_name, path) => {
  const append = (stream: string, expectedRevision: bigint | 'no_stream' | 'any' | 'stream_exists', batch: object[]) =>
    client.appendToStream(stream, batch as ReturnType<typeof events>, { expectedRevision, ...path });

  it('goes over the path that it names', async () => {
    await append('job-1', 'any', events(1));
    expect(server.calls.map(({ method }) => method)).toContain(path === PLAIN ? 'append' : 'batchAppend');
  });

  it('is answered with the revision and the position of its last event; commit is prepare', async () => {
    const first = await append('job-1', 'no_stream', events(3));
    const second = await append('job-2', 'any', events(1));
    expect(first).toMatchObject({ success: true, nextExpectedRevision: 2n });
    expect(first.position!.commit).toBe(first.position!.prepare);
    expect(second.position!.commit).toBeGreaterThan(first.position!.commit);
    const found = await all(client.readStream('job-1'));
    expect(found.map(({ event: one }) => one!.revision)).toEqual([0n, 1n, 2n]);
    expect(found.at(-1)!.event!.position).toEqual(first.position);
  });

  it('conflicts with what is there, and says what that is', async () => {
    await append('job-1', 'no_stream', events(2));
    expect(await failure(append('job-1', 'no_stream', events(1)))).toMatchObject(conflict('no_stream', 1n));
    expect(await failure(append('job-1', 0n, events(1)))).toMatchObject(conflict(0n, 1n));
    expect(await failure(append('job-1', 5n, events(1)))).toMatchObject(conflict(5n, 1n));
    expect(await failure(append('job-2', 5n, events(1)))).toMatchObject(conflict(5n, 'no_stream'));
    expect(await failure(append('job-2', 'stream_exists', events(1)))).toMatchObject(
      conflict('stream_exists', 'no_stream'),
    );
    expect(await idsIn(client, 'job-1')).toHaveLength(2);
  });

  it('is answered again with its own revision and position, after later appends and after a restart', async () => {
    const batch = events(2);
    const first = await append('job-1', 'no_stream', batch);
    const third = events(1);
    const last = await append('job-1', 1n, third);
    expect(await append('job-1', 'no_stream', batch)).toEqual(first);
    expect(await append('job-1', 'no_stream', batch.slice(0, 1))).toMatchObject({ nextExpectedRevision: 0n });
    server.log.startNewRun();
    expect(await append('job-1', 'no_stream', batch)).toEqual(first);
    expect(await append('job-1', 1n, third)).toEqual(last);
    expect(await idsIn(client, 'job-1')).toHaveLength(3);
  });

  it('is deduplicated by a cache without an exact revision: a restart duplicates it', async () => {
    const batch = events(2);
    const first = await append('job-1', 'any', batch);
    expect(await append('job-1', 'any', batch)).toEqual(first);
    expect(await append('job-1', 'stream_exists', batch)).toEqual(first);
    server.log.startNewRun();
    expect(await append('job-1', 'any', batch)).toMatchObject({ nextExpectedRevision: 3n });
  });

  it('is duplicated at a newer exact revision', async () => {
    const batch = events(1);
    await append('job-1', 'no_stream', batch);
    expect(await append('job-1', 0n, batch)).toMatchObject({ nextExpectedRevision: 1n });
    expect(await idsIn(client, 'job-1')).toEqual([batch[0].id, batch[0].id]);
  });

  it('of an old event and a new one is a conflict; of a new one and an old one is written by any', async () => {
    const [old, other] = events(2);
    await append('job-1', 'no_stream', [old]);
    expect(await failure(append('job-1', 'no_stream', [old, other]))).toMatchObject(conflict('no_stream', 0n));
    expect(await failure(append('job-1', 'any', [old, other]))).toMatchObject(conflict('any', 0n));
    expect(await append('job-1', 'any', [other, old])).toMatchObject({ nextExpectedRevision: 2n });
  });

  it('that comes while the same is being written is not answered before the time-out of the server', async () => {
    await append('warm-1', 'any', events(1));
    const batch = events(2);
    const answers = await Promise.allSettled(Array.from({ length: 6 }, () => append('job-1', 'no_stream', batch)));
    const failed = answers.filter((one): one is PromiseRejectedResult => one.status === 'rejected');
    expect(answers[0].status).toBe('fulfilled');
    expect(failed.length).toBeGreaterThan(0);
    for (const { reason } of failed) {
      expect(reason).toMatchObject(
        path === PLAIN
          ? { type: 'timeout', code: 10, message: '10 ABORTED: Operation timed out: Commit phase timeout.' }
          : { type: 'deadline-exceeded', code: undefined },
      );
    }
    expect(await append('job-1', 'no_stream', batch)).toMatchObject({ nextExpectedRevision: 1n });
    expect(await idsIn(client, 'job-1')).toHaveLength(2);
  });

  it('does not compare data, and takes an id again in another stream or twice in one append', async () => {
    const given = event({ data: { first: true } });
    const first = await append('job-1', 'no_stream', [given]);
    expect(await append('job-1', 'no_stream', [{ ...given, data: { first: false } }])).toEqual(first);
    expect((await all(client.readStream('job-1')))[0].event!.data).toEqual({ first: true });
    await append('job-2', 'no_stream', [given]);
    expect(await append('job-3', 'no_stream', [given, given])).toMatchObject({ nextExpectedRevision: 1n });
  });

  it('of nothing is "success", and nothing is there to be read', async () => {
    expect(await append('job-1', 'any', [])).toMatchObject({ success: true });
    expect(await failure(all(client.readStream('job-1')))).toMatchObject({ class: 'StreamNotFoundError' });
  });

  it('is refused over 1,048,576 bytes of data, and nothing is written; metadata and type are not counted', async () => {
    const sized = (bytes: number) => event({ data: 'x'.repeat(bytes - 2) as never });
    const large = { metadata: 'y'.repeat(1_100_000) as never, type: 'T'.repeat(10_000) };
    expect(await append('job-1', 'any', [{ ...sized(1_048_576), ...large }])).toMatchObject({ success: true });
    for (const batch of [[sized(1_048_577)], [sized(600_000), sized(600_000)]]) {
      expect(await failure(append('job-2', 'any', batch))).toMatchObject({
        class: 'MaxAppendSizeExceededError',
        type: 'maximum-append-size-exceeded',
        maxAppendSize: 1_048_576,
      });
    }
    expect(await failure(append('job-2', 'any', [sized(17_000_000)]))).toMatchObject({
      class: 'UnknownError',
      code: 8,
    });
    expect(await failure(all(client.readStream('job-2')))).toMatchObject({ class: 'StreamNotFoundError' });
  });

  it('takes any name and type, gives ids back in lower case, and refuses an empty name', async () => {
    const stream = `job-${'☃'.repeat(3_000)}`;
    const id = newId();
    await append(stream, 'no_stream', [event({ id: id.toUpperCase(), type: 'é☃😀', metadata: { a: 1 } })]);
    const [{ event: found }] = await all(client.readStream(stream));
    expect(found).toMatchObject({ streamId: stream, id, type: 'é☃😀', metadata: { a: 1 }, isJson: true });
    expect(found!.created.getTime() % 1).toBe(0);
    expect(Math.abs(found!.created.getTime() - clock.wall())).toBeLessThan(5_000);
    expect(await failure(append('', 'any', events(1)))).toMatchObject({ class: 'UnknownError' });
  });

  it('goes on after a soft delete, where the numbers were', async () => {
    await append('job-1', 'no_stream', events(2));
    await client.deleteStream('job-1');
    expect(await failure(all(client.readStream('job-1')))).toMatchObject({ class: 'StreamNotFoundError' });
    expect(await failure(append('job-1', 'stream_exists', events(1)))).toMatchObject({
      class: 'StreamDeletedError',
      type: 'stream-deleted',
    });
    expect(await failure(append('job-1', 0n, events(1)))).toMatchObject(conflict(0n, 1n));
    const given = events(1);
    expect(await append('job-1', 'no_stream', given)).toMatchObject({ nextExpectedRevision: 2n });
    expect(await idsIn(client, 'job-1')).toEqual([given[0].id]);
    await client.deleteStream('job-1');
    expect(await append('job-1', 2n, events(1))).toMatchObject({ nextExpectedRevision: 3n });
    await client.deleteStream('job-1');
    expect(await append('job-1', 'any', events(1))).toMatchObject({ nextExpectedRevision: 4n });
  });

  it('is refused for ever after a tombstone', async () => {
    await append('job-1', 'no_stream', events(2));
    await client.tombstoneStream('job-1');
    for (const expected of ['any', 'no_stream', 'stream_exists', 1n] as const) {
      expect(await failure(append('job-1', expected, events(1)))).toMatchObject({
        class: 'StreamDeletedError',
        streamName: 'job-1',
      });
    }
    expect(await failure(all(client.readStream('job-1')))).toMatchObject({ class: 'StreamDeletedError' });
    expect(await failure(client.tombstoneStream('job-1'))).toMatchObject({ class: 'StreamDeletedError' });
  });

  it('is answered without a position when its events are truncated', async () => {
    const batch = events(1);
    await append('job-1', 'no_stream', batch);
    await append('job-1', 0n, events(3));
    await client.setStreamMetadata('job-1', { truncateBefore: 2 });
    expect(await append('job-1', 'no_stream', batch)).toEqual({
      success: true,
      nextExpectedRevision: 0n,
      position: undefined,
    });
  });
});

describe('deleting', () => {
  it('names what was expected by the numbers of the server', async () => {
    await client.appendToStream('job-1', events(2), PLAIN);
    expect(await failure(client.deleteStream('job-1', { expectedRevision: 'no_stream' }))).toMatchObject({
      class: 'WrongExpectedVersionError',
      expectedVersion: -1n,
      actualVersion: 1n,
    });
    expect(await failure(client.deleteStream('job-1', { expectedRevision: 0n }))).toMatchObject({
      expectedVersion: 0n,
    });
    expect((await client.deleteStream('job-1', { expectedRevision: 1n })).position).toBeDefined();
    expect((await client.deleteStream('job-1')).position).toBeDefined();
  });

  it('needs a stream, a tombstone needs none', async () => {
    expect(await failure(client.deleteStream('job-1'))).toMatchObject({ expectedVersion: -2n, actualVersion: -1n });
    await client.tombstoneStream('job-1');
    expect(await failure(client.appendToStream('job-1', events(1)))).toMatchObject({ class: 'StreamDeletedError' });
  });
});

describe('metadata', () => {
  const revisions = async (stream: string) =>
    (await all(client.readStream(stream))).map(({ event: one }) => Number(one!.revision));

  it('is replaced as a whole, and its "revision" is a position of the log', async () => {
    await client.appendToStream('job-1', events(5), PLAIN);
    await client.setStreamMetadata('job-1', { maxCount: 2 });
    expect(await revisions('job-1')).toEqual([3, 4]);
    const second = await client.setStreamMetadata('job-1', { maxAge: 1_000 });
    expect(await revisions('job-1')).toEqual([0, 1, 2, 3, 4]);
    expect(await client.getStreamMetadata('job-1')).toEqual({
      streamName: 'job-1',
      metadata: { maxAge: 1_000 },
      metastreamRevision: second.position!.commit,
    });
    expect(await client.getStreamMetadata('job-2')).toEqual({ streamName: 'job-2' });
  });

  it('truncates: reads begin silently at the first kept event, in $all everything is there', async () => {
    await client.appendToStream('job-1', events(5), PLAIN);
    await client.setStreamMetadata('job-1', { truncateBefore: 3 });
    expect(await revisions('job-1')).toEqual([3, 4]);
    await client.setStreamMetadata('job-1', { truncateBefore: 100 });
    expect(await revisions('job-1')).toEqual([]);
    await client.appendToStream('job-1', events(1), PLAIN);
    expect(await revisions('job-1')).toEqual([]);
    const inAll = (await all(client.readAll())).filter(({ event: one }) => one!.streamId === 'job-1');
    expect(inAll).toHaveLength(6);
  });

  it('hides what is older than its maximum age; a limit below one is none', async () => {
    const shifted = new ShiftedClock();
    server = await standIn({ clock: shifted });
    client = clientOf(server);
    await client.appendToStream('job-1', events(1), PLAIN);
    await client.setStreamMetadata('job-1', { maxAge: 10 });
    shifted.ahead = 11_000;
    expect(await revisions('job-1')).toEqual([]);
    await client.appendToStream('job-1', events(1), PLAIN);
    expect(await revisions('job-1')).toEqual([1]);
    await client.setStreamMetadata('job-1', { maxAge: 0, maxCount: 0 }, PLAIN);
    expect(await revisions('job-1')).toEqual([0, 1]);
  });
});

describe('reading', () => {
  it('a stream is inclusive in both directions', async () => {
    await client.appendToStream('job-1', events(5), PLAIN);
    const read = async (options: object) =>
      (await all(client.readStream('job-1', options))).map(({ event: one }) => Number(one!.revision));
    expect(await read({ fromRevision: 2n })).toEqual([2, 3, 4]);
    expect(await read({ fromRevision: 2n, maxCount: 1 })).toEqual([2]);
    expect(await read({ direction: 'backwards', fromRevision: 2n })).toEqual([2, 1, 0]);
    expect(await read({ direction: 'backwards', fromRevision: END, maxCount: 1 })).toEqual([4]);
    expect(await read({ fromRevision: 9n })).toEqual([]);
    expect(await failure(all(client.readStream('job-2')))).toMatchObject({
      class: 'StreamNotFoundError',
      type: 'stream-not-found',
      streamName: 'job-2',
    });
  });

  it('$all is inclusive forwards, includes system events, ignores the filter, and its positions grow', async () => {
    await client.appendToStream('job-1', events(3), PLAIN);
    await client.setStreamMetadata('job-1', { maxCount: 2 });
    server.log.noise(2);
    const found = await all(client.readAll());
    expect(found.map(({ event: one }) => one!.streamId)).toEqual([
      '$stats-127.0.0.1:2113',
      ...Array(3).fill('job-1'),
      '$$job-1',
      ...Array(2).fill('$stats-127.0.0.1:2113'),
    ]);
    const positions = found.map(({ event: one }) => one!.position!);
    expect(positions[0].commit).toBeGreaterThan(0n);
    positions.slice(1).forEach(({ commit }, n) => expect(commit).toBeGreaterThan(positions[n].commit));
    expect(await all(client.readAll({ fromPosition: positions[2] }))).toHaveLength(5);
    expect(await all(client.readAll({ fromPosition: positions[2], direction: 'backwards' }))).toHaveLength(2);
    expect(await all(client.readAll({ fromPosition: END, direction: 'backwards', maxCount: 1 }))).toEqual(
      found.slice(-1),
    );
  });

  it('from where nothing begins is refused, from ahead of the end there is nothing', async () => {
    const { position } = await client.appendToStream('job-1', events(3), PLAIN);
    const from = (commit: bigint) => ({ fromPosition: { commit, prepare: commit } });
    const refused = { class: 'UnknownError', code: 2, message: '2 UNKNOWN: Unexpected ReadAllResult: Error' };
    const ahead = position!.commit + 1_000n;
    expect(await failure(all(client.readAll(from(position!.commit - 1n))))).toMatchObject(refused);
    expect(await failure(all(client.readAll({ ...from(ahead), direction: 'backwards' })))).toMatchObject(refused);
    expect(await all(client.readAll(from(ahead)))).toEqual([]);
    expect(await all(client.readAll(from(0n)))).toHaveLength(4);
    expect(await failure(all(client.readStream('job-1', { fromRevision: END })))).toMatchObject({
      message: '2 UNKNOWN: Unexpected ReadStreamResult: Error',
    });
  });
});
