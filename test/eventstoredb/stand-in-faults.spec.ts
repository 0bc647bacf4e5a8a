import { END, type EventStoreDBClient } from '@eventstore/db-client';
import { StandIn } from './stand-in';
import {
  BATCH,
  PLAIN,
  all,
  clientAt,
  clientOf,
  closeEverything,
  event,
  events,
  failure,
  idsIn,
  settled,
  standIn,
  until,
  warm,
} from './bare';

/** The control object: what is ordered happens, to whom it was ordered for, as often as it was ordered. */

let server: StandIn;
beforeEach(async () => {
  server = await standIn();
});
afterEach(closeEverything);

const append = (client: EventStoreDBClient, stream = 'job-1') => client.appendToStream(stream, event(), PLAIN);
const read = (client: EventStoreDBClient, stream = 'job-1') => all(client.readStream(stream));

describe('a fault that was ordered', () => {
  it('hits as many calls as was said, of the streams that were meant, and can be taken back', async () => {
    const client = clientOf(server);
    const stream = (name: string) => name.startsWith('job-');
    const order = server.faults.onAppend({ kind: 'busy' }, { times: 2, stream });
    await append(client, 'other-1');
    await failure(append(client));
    await failure(append(clientOf(server)));
    await append(client);
    expect(order.hits).toBe(2);
    const forEver = server.faults.onAppend({ kind: 'timeout' }, { times: Infinity });
    for (let n = 0; n < 5; n++)
      expect(await failure(append(client))).toMatchObject({ class: 'TimeoutError', code: 10 });
    forEver.clear();
    await append(client);
    expect(forEver.hits).toBe(5);
    server.faults.onAppend({ kind: 'timeout' });
    server.faults.clear();
    await append(client);
  });

  it('may be for reads and new subscriptions', async () => {
    const client = await warm(clientOf(server));
    server.faults.onRead({ kind: 'not-ready' });
    expect(await failure(read(client, 'warm-1'))).toMatchObject({ class: 'UnavailableError', code: 14 });
    server.faults.onRead({ kind: 'access-denied' }, { stream: (name) => name === '$all' });
    expect(await read(client, 'warm-1')).toHaveLength(2);
    const denied = client.subscribeToAll();
    expect(await new Promise((resolve) => denied.on('error', resolve))).toMatchObject({ type: 'access-denied' });
    server.faults.onRead({ kind: 'not-leader', host: '127.0.0.1', port: server.port });
    expect(await failure(read(client, 'warm-1'))).toMatchObject({ class: 'NotLeaderError' });
    server.faults.onRead({ kind: 'drop' });
    expect(await failure(read(client, 'warm-1'))).toMatchObject({ class: 'UnavailableError' });
    const silence = server.faults.onRead({ kind: 'silence' });
    const silent = settled(read(client, 'warm-1'));
    await until(() => silence.hits === 1);
    expect(await read(client, 'warm-1')).toHaveLength(2);
    expect(silent()).toBe(false);
  });

  it('may be for what is asked before the first append, and for gossip', async () => {
    server.faults.onServerFeatures({ kind: 'not-ready' });
    const client = clientOf(server);
    expect(await failure(client.appendToStream('job-1', event(), BATCH))).toMatchObject({ class: 'Error', code: 14 });
    const order = server.faults.onGossip({ kind: 'not-ready' }, { times: 2 });
    const seeds = `127.0.0.1:${server.port},127.0.0.1:${server.port}`;
    await append(clientAt(`esdb://${seeds}?tls=false&discoveryInterval=10`));
    expect(order.hits).toBe(2);
    expect(server.calls.filter(({ method }) => method === 'gossip')).toHaveLength(3);
  });
});

describe('what is asked for', () => {
  it('can be looked up, with whether the leader was required', async () => {
    const client = clientOf(server);
    await client.appendToStream('job-1', event(), { ...PLAIN, requiresLeader: true });
    await read(client);
    client.subscribeToAll({ requiresLeader: true }).on('error', () => undefined);
    await until(() => server.calls.length === 3);
    expect(server.calls).toEqual([
      { method: 'append', stream: 'job-1', requiresLeader: true },
      { method: 'read', stream: 'job-1', requiresLeader: false },
      { method: 'subscribe', stream: '$all', requiresLeader: true },
    ]);
  });
});

describe('connections', () => {
  it('that are frozen hold what was sent until they thaw, those made meanwhile too', async () => {
    const client = await warm(clientOf(server));
    server.faults.freeze();
    const first = append(client);
    // Other settings, or gRPC would let both share one connection.
    const second = read(clientOf(server, 'keepAliveInterval=9000'), 'warm-1');
    await until(() => server.connected.open === 2);
    const over = [settled(first), settled(second)];
    expect(server.log.exists('job-1')).toBe(false);
    server.faults.thaw();
    expect(await first).toMatchObject({ success: true });
    expect(await second).toHaveLength(2);
    expect(over.map((settledBy) => settledBy())).toEqual([true, true]);
  });

  it('are cut by a kill, and made again at the same port after a restart; data stays', async () => {
    const { port } = server;
    const client = await warm(clientOf(server));
    await client.appendToStream('job-1', events(3), PLAIN);
    const ids = await idsIn(client, 'job-1');
    await server.faults.kill();
    expect(server.connected.open).toBe(0);
    expect(await failure(append(clientOf(server)))).toMatchObject({ code: 14 });
    await server.faults.restart();
    expect(server.port).toBe(port);
    expect(await idsIn(clientOf(server), 'job-1')).toEqual(ids);
  });

  it('can be cut alone: the server goes on', async () => {
    const client = await warm(clientOf(server));
    const subscription = client.subscribeToAll({ fromPosition: END }).on('data', () => undefined);
    await new Promise((resolve) => subscription.once('caughtUp', resolve));
    const lost = new Promise((resolve) => subscription.once('error', resolve));
    server.faults.dropConnections();
    expect(await lost).toMatchObject({ code: 14 });
    await until(() => server.connected.open === 0);
    await append(clientOf(server));
  });

  it('are none after close, and the port is free', async () => {
    const own = await StandIn.start();
    const { port } = own;
    await append(clientOf(own));
    await own.close();
    expect(own.connected.open).toBe(0);
    const next = await standIn({ port });
    await append(clientOf(next));
  });
});

describe('nodes that share a log', () => {
  it('hear of what is written at the others', async () => {
    const follower = await standIn({ log: server.log });
    const subscription = clientOf(follower).subscribeToStream('job-1', { fromRevision: END });
    await new Promise((resolve) => subscription.once('caughtUp', resolve));
    const heard = new Promise<{ event?: { revision: bigint } }>((resolve) => subscription.once('data', resolve));
    await append(clientOf(server));
    expect((await heard).event!.revision).toBe(0n);
  });
});
