import type { EventStoreDBClient } from '@eventstore/db-client';
import type { AppendFault, StandIn } from './stand-in';
import {
  BATCH,
  PATHS,
  PLAIN,
  ShiftedClock,
  all,
  clientAt,
  clientOf,
  closeEverything,
  event,
  failure,
  standIn,
  until,
  warm,
} from './bare';

/** Controls: the classes, codes and messages by which the published client says what has happened; some say the same of different things. */

let server: StandIn;
beforeEach(async () => {
  server = await standIn();
});
afterEach(closeEverything);

const asked = (method: string) => server.calls.filter((call) => call.method === method).length;
const written = () => server.log.records.filter(({ stream }) => stream === 'job-1');
const append = (client: EventStoreDBClient, path: object, options: object = {}) =>
  client.appendToStream('job-1', event(), { ...path, ...options });

describe('what an error looks like', () => {
  const shapes: readonly (readonly [string, AppendFault, object, object])[] = [
    [
      'not ready',
      { kind: 'not-ready' },
      { class: 'UnavailableError', code: 14, message: '14 UNAVAILABLE: Server Is Not Ready' },
      { class: 'UnknownError', code: undefined, message: 'Could not recognize Server Is Not Ready' },
    ],
    [
      'busy',
      { kind: 'busy' },
      { class: 'UnavailableError', code: 14, message: '14 UNAVAILABLE: Server Is Too Busy' },
      { class: 'UnknownError', code: undefined, message: 'Could not recognize Server Is Busy' },
    ],
    [
      'no leader known',
      { kind: 'no-leader' },
      { class: 'UnknownError', code: 2, message: '2 UNKNOWN: No leader info available in response' },
      { class: 'UnknownError', code: undefined, message: 'Could not recognize No leader info available in response' },
    ],
    [
      'forwarded in vain',
      { kind: 'timeout' },
      { class: 'TimeoutError', code: 10 },
      { class: 'DeadlineExceededError', code: undefined, message: '' },
    ],
    [
      'broken off by the transport',
      { kind: 'reset' },
      { class: 'UnknownError', code: 13, message: expect.stringContaining('Received RST_STREAM') },
      { class: 'UnknownError', code: 13, message: expect.stringContaining('Received RST_STREAM') },
    ],
    [
      'denied',
      { kind: 'access-denied' },
      { class: 'AccessDeniedError', code: 7 },
      { class: 'AccessDeniedError', code: undefined },
    ],
    [
      'not the leader',
      { kind: 'not-leader', host: '127.0.0.1', port: 1 },
      { class: 'NotLeaderError', code: 5, leader: { address: '127.0.0.1', port: 1 } },
      { class: 'NotLeaderError', code: 5, leader: { address: '127.0.0.1', port: 1 } },
    ],
  ];
  it.each(shapes)('%s: another one on each path', async (_name, fault, plain, batch) => {
    for (const [path, shape] of [
      [PLAIN, plain],
      [BATCH, batch],
    ]) {
      const client = await warm(clientOf(server));
      server.faults.onAppend(fault);
      expect(await failure(append(client, path))).toMatchObject(shape);
    }
    expect(written()).toEqual([]);
  });

  it.each(PATHS)(
    'the connection lost before or after the write, %s: the same, and nobody can tell',
    async (_n, path) => {
      for (const kind of ['drop-before', 'drop-after'] as const) {
        const client = await warm(clientOf(server));
        server.faults.onAppend({ kind });
        expect(await failure(append(client, path))).toMatchObject({ class: 'UnavailableError', code: 14 });
      }
      expect(written()).toHaveLength(1);
    },
  );

  it('no server: a plain Error with code 14 (batch asks for capabilities first), or UnavailableError', async () => {
    await server.faults.kill();
    expect(await failure(append(clientOf(server), BATCH))).toMatchObject({ class: 'Error', code: 14 });
    expect(await failure(append(clientOf(server), PLAIN))).toMatchObject({ class: 'UnavailableError', code: 14 });
    expect(await failure(all(clientOf(server).readStream('job-1')))).toMatchObject({ class: 'UnavailableError' });
  });

  it('nobody to be discovered: a plain Error without a code', async () => {
    await server.faults.kill();
    const seeds = `127.0.0.1:${server.port},127.0.0.1:${server.port}`;
    const client = clientAt(`esdb://${seeds}?tls=false&maxDiscoverAttempts=2&discoveryInterval=10`);
    const error = await failure(append(client, PLAIN));
    expect(error).toMatchObject({ class: 'Error', message: 'Failed to discover after 2 attempts.' });
    expect(error.code).toBeUndefined();
  });

  it('dispose: UnknownError "Cancelled on client" of a batch append, and the client stays usable', async () => {
    const client = await warm(clientOf(server));
    server.faults.onAppend({ kind: 'silence' });
    const waiting = failure(append(client, BATCH));
    await until(() => asked('batchAppend') === 2);
    await client.dispose();
    expect(await waiting).toMatchObject({
      class: 'UnknownError',
      code: 1,
      message: '1 CANCELLED: Cancelled on client',
    });
    expect(await append(client, BATCH)).toMatchObject({ success: true });
  });

  it('17 MB in one append fails all the others on the batch stream', async () => {
    const client = await warm(clientOf(server));
    server.faults.onAppend({ kind: 'silence' });
    const innocent = failure(append(client, BATCH));
    await until(() => asked('batchAppend') === 2);
    const large = event({ data: 'x'.repeat(17_000_000) as never });
    expect(await failure(client.appendToStream('job-2', large))).toMatchObject({ class: 'UnknownError', code: 8 });
    expect(await innocent).toMatchObject({ class: 'UnknownError', code: 8 });
  });

  it('a server that takes a clock to be slow answers batch appends with a time-out at once', async () => {
    const ahead = new ShiftedClock();
    ahead.ahead = 11_000;
    const client = clientOf(await standIn({ clock: ahead }));
    expect(await failure(append(client, BATCH))).toMatchObject({ class: 'DeadlineExceededError', code: undefined });
    expect(await append(client, PLAIN)).toMatchObject({ success: true });
  });
});
