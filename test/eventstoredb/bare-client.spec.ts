import { END, streamNameFilter, type AllStreamSubscription, type EventStoreDBClient } from '@eventstore/db-client';
import { lull } from './control-process';
import type { StandIn } from './stand-in';
import {
  BATCH,
  PATHS,
  PLAIN,
  all,
  clientAt,
  clientOf,
  clock,
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

/** Controls: how the published client answers to faults when it is used as it is. */

const KEEP_ALIVE = 'keepAliveInterval=400&keepAliveTimeout=300';
let server: StandIn;
beforeEach(async () => {
  server = await standIn();
});
afterEach(closeEverything);

const asked = (method: string) => server.calls.filter((call) => call.method === method).length;
const written = () => server.log.records.filter(({ stream }) => stream === 'job-1');
const append = (client: EventStoreDBClient, path: object, options: object = {}) =>
  client.appendToStream('job-1', event(), { ...path, ...options });

describe('deadlines', () => {
  it('plain keeps its own; batch has none and waits for ever', async () => {
    const client = await warm(clientOf(server));
    server.faults.onAppend({ kind: 'silence' }, { times: Infinity });
    const batch = settled(append(client, BATCH, { deadline: 100 }));
    await until(() => asked('batchAppend') === 2);
    const begun = clock.monotonic();
    expect(await failure(append(client, PLAIN, { deadline: 200 }))).toMatchObject({
      class: 'DeadlineExceededError',
      code: 4,
    });
    expect(clock.monotonic() - begun).toBeGreaterThanOrEqual(190);
    await lull();
    expect(batch()).toBe(false);
    expect(written()).toEqual([]);
  });

  it('an append that missed its deadline may be written', async () => {
    const client = await warm(clientOf(server));
    server.faults.onAppend({ kind: 'silence', commit: true });
    expect(await failure(append(client, PLAIN, { deadline: 100 }))).toMatchObject({ class: 'DeadlineExceededError' });
    expect(written()).toHaveLength(1);
  });

  it('reads and subscriptions ignore them: a frozen server hangs them until keep-alive', async () => {
    const client = await warm(clientOf(server, KEEP_ALIVE));
    const subscription = client.subscribeToAll({ fromPosition: END });
    let lost: unknown;
    subscription.on('error', (error) => (lost = error)).on('data', () => undefined);
    await new Promise((resolve) => subscription.once('caughtUp', resolve));
    server.faults.freeze();
    const begun = clock.monotonic();
    const reading = failure(all(client.readStream('warm-1', { deadline: 50 } as object)));
    const read = settled(reading);
    expect(await failure(append(client, PLAIN, { deadline: 100 }))).toMatchObject({ class: 'DeadlineExceededError' });
    expect(read()).toBe(false);
    expect(lost).toBeUndefined();
    expect(await reading).toMatchObject({ class: 'UnavailableError', code: 14 });
    expect(clock.monotonic() - begun).toBeGreaterThanOrEqual(300);
    await until(() => lost !== undefined);
    expect(lost).toMatchObject({ type: 'unavailable', code: 14 });
    server.faults.thaw();
    expect(await idsIn(client, 'warm-1')).toHaveLength(2);
  });
});

describe('order', () => {
  it('a cold connection writes the first of several batch appends last', async () => {
    const client = clientOf(server);
    const batch = events(5);
    await Promise.all(batch.map((one) => client.appendToStream('job-1', one)));
    const order = written().map(({ id }) => batch.findIndex((one) => one.id === id));
    expect(order).toEqual([1, 2, 3, 4, 0]);
  });
});

describe('a cluster', () => {
  it('the client goes where a NotLeaderError sends it, also to a dead leader', async () => {
    const leader = await standIn({ log: server.log });
    const client = await warm(clientOf(server));
    server.faults.leader = { host: '127.0.0.1', port: leader.port };
    const needsLeader = { requiresLeader: true };
    expect(await failure(append(client, PLAIN, needsLeader))).toMatchObject({ class: 'NotLeaderError' });
    expect(await append(client, PLAIN, needsLeader)).toMatchObject({ success: true });
    expect(leader.calls.map(({ method }) => method)).toEqual(['append']);
    await leader.faults.kill();
    expect(await failure(append(client, PLAIN, needsLeader))).toMatchObject({ class: 'UnavailableError' });
    const other = await warm(clientOf(server));
    expect(await failure(append(other, PLAIN, needsLeader))).toMatchObject({ class: 'NotLeaderError' });
    expect(await failure(append(other, PLAIN, needsLeader))).toMatchObject({ class: 'UnavailableError', code: 14 });
  });

  it('it asks gossip where to go, and what it does not require the leader for it does at a follower', async () => {
    const leader = await standIn({ log: server.log });
    const at = ({ port }: StandIn, state: 'leader' | 'follower') => ({ host: '127.0.0.1', port, state, alive: true });
    server.faults.members = [at(server, 'follower'), at(leader, 'leader')];
    leader.faults.members = server.faults.members;
    const seeds = `127.0.0.1:${server.port},127.0.0.1:${leader.port}`;
    await append(clientAt(`esdb://${seeds}?tls=false`), PLAIN);
    await append(clientAt(`esdb://${seeds}?tls=false&nodePreference=follower`), PLAIN);
    expect(leader.calls.filter(({ method }) => method === 'append')).toHaveLength(1);
    expect(asked('append')).toBe(1);
    expect(written()).toHaveLength(2);
  });
});

describe('a subscription', () => {
  const listen = (subscription: AllStreamSubscription) => {
    const said: string[] = [];
    for (const name of ['caughtUp', 'end', 'close'] as const) subscription.on(name as 'end', () => said.push(name));
    subscription.on('data', ({ event: one }) => said.push(`${one!.streamId}@${one!.revision}`));
    subscription.on('error', (error) => said.push(`${error.constructor.name} ${(error as { code?: number }).code}`));
    return said;
  };

  it('is not made again by anybody: not after a kill and a restart, and not after a clean end', async () => {
    const client = clientOf(server);
    const killed = listen(client.subscribeToAll({ fromPosition: END }));
    await until(() => killed.includes('caughtUp'));
    await server.faults.kill();
    await until(() => killed.length > 1);
    expect(killed).toEqual(['caughtUp', 'UnavailableError 14']);
    await server.faults.restart();
    const ended = listen(client.subscribeToAll({ fromPosition: END }));
    await until(() => ended.includes('caughtUp'));
    server.faults.endSubscriptions();
    await until(() => ended.includes('close'));
    await append(client, PLAIN);
    await lull();
    expect(ended).toEqual(['caughtUp', 'end', 'close']);
    expect(killed).toEqual(['caughtUp', 'UnavailableError 14']);
    expect(server.faults.subscriptions.size).toBe(0);
  });

  it('is told a checkpoint before its handler has the events that it covers', async () => {
    await clientOf(server).appendToStream('job-1', events(64), PLAIN);
    const order: string[] = [];
    const checkpointReached = () => void order.push('checkpoint');
    const filter = streamNameFilter({ prefixes: ['job-'], checkpointReached });
    for await (const { event: one } of clientOf(server).subscribeToAll({ filter })) {
      await clock.sleep(1);
      order.push(`handled ${one!.revision}`);
      if (one!.revision === 63n) break;
    }
    expect(order.indexOf('checkpoint')).toBeLessThan(order.indexOf('handled 30'));
  });

  it('delivers an event before its append is acknowledged, when the answer is late', async () => {
    const client = clientOf(server);
    const heard = listen(client.subscribeToAll({ fromPosition: END }));
    await until(() => heard.includes('caughtUp'));
    let release = () => {};
    server.faults.onAppend({ kind: 'late', until: new Promise<void>((resolve) => (release = resolve)) });
    const appending = append(client, PLAIN);
    const acknowledged = settled(appending);
    await until(() => heard.includes('job-1@0'));
    expect(acknowledged()).toBe(false);
    release();
    expect(await appending).toMatchObject({ success: true });
  });
});

describe('after the fault', () => {
  it.each(PATHS)('an exact retry is answered as if nothing had been, %s', async (_name, path) => {
    const client = await warm(clientOf(server));
    const given = event();
    const send = () => client.appendToStream('job-1', given, { expectedRevision: 'no_stream', ...path });
    server.faults.onAppend({ kind: 'drop-after' });
    await failure(send());
    await server.faults.kill();
    await server.faults.restart();
    // The first call on a channel that has lost its server may still fail.
    let answer: Awaited<ReturnType<typeof send>> | undefined;
    while (!answer) answer = await send().catch(() => clock.sleep(5).then(() => undefined));
    expect(answer).toMatchObject({ success: true, nextExpectedRevision: 0n });
    expect(written()).toHaveLength(1);
    expect(server.connected.ever).toBeGreaterThan(1);
  });
});
