import {
  END,
  eventTypeFilter,
  streamNameFilter,
  type AllStreamSubscription,
  type EventStoreDBClient,
  type Position,
  type SubscribeToAllOptions,
} from '@eventstore/db-client';
import type { StandIn } from './stand-in';
import { PLAIN, all, clientOf, closeEverything, event, events, standIn, until } from './bare';

let server: StandIn;
let client: EventStoreDBClient;
beforeEach(async () => {
  server = await standIn();
  client = clientOf(server);
});
afterEach(closeEverything);

const append = (stream: string, batch = events(1)) => client.appendToStream(stream, batch, PLAIN);
const positionOf = async (index: number): Promise<Position> => (await all(client.readAll()))[index].event!.position!;

/** What a subscription said, in order. */
class Heard {
  readonly said: string[] = [];
  readonly positions: bigint[] = [];
  error: (Error & { code?: number; type?: string }) | undefined;

  constructor(readonly subscription: ReturnType<EventStoreDBClient['subscribeToStream']> | AllStreamSubscription) {
    const { said } = this;
    (subscription as AllStreamSubscription)
      .on('data', ({ event: one }) => {
        said.push(`${one!.streamId}@${one!.revision}`);
        this.positions.push(one!.position!.commit);
      })
      .on('confirmation', () => said.push('confirmation'))
      .on('caughtUp', () => said.push('caught-up'))
      .on('end', () => said.push('end'))
      .on('close', () => said.push('close'))
      .on('error', (error) => {
        this.error = error;
        said.push('error');
      });
  }

  get events(): string[] {
    return this.said.filter((one) => one.includes('@'));
  }

  says(what: string): Promise<void> {
    return until(() => this.said.includes(what), `"${what}" after ${this.said.slice(-5).join(', ')}`);
  }
}

const toAll = (options?: SubscribeToAllOptions) => new Heard(client.subscribeToAll(options));
const jobs = streamNameFilter({ prefixes: ['job-'] });

describe('a subscription to $all', () => {
  it('delivers the old, says that it has caught up, then delivers the new', async () => {
    await append('job-1', events(2));
    const heard = toAll();
    await heard.says('caught-up');
    await append('job-2');
    await heard.says('job-2@0');
    expect(heard.said).toEqual([
      'confirmation',
      '$stats-127.0.0.1:2113@0',
      'job-1@0',
      'job-1@1',
      'caught-up',
      'job-2@0',
    ]);
  });

  it('begins after its position, exclusive; from the end with what comes', async () => {
    await append('job-1', events(3));
    const heard = toAll({ fromPosition: await positionOf(2) });
    const late = toAll({ fromPosition: END });
    await heard.says('caught-up');
    await late.says('caught-up');
    await append('job-1');
    await heard.says('job-1@3');
    await late.says('job-1@3');
    expect(heard.events).toEqual(['job-1@2', 'job-1@3']);
    expect(late.events).toEqual(['job-1@3']);
  });

  it('is filtered by prefix or regular expression, of the stream or of the type, old and new', async () => {
    const filters: Record<string, SubscribeToAllOptions['filter']> = {
      prefix: jobs,
      regex: streamNameFilter({ regex: '^(job|x)-2$' }),
      type: eventTypeFilter({ prefixes: ['Hap'] }),
      typeRegex: eventTypeFilter({ regex: '^[^$].*' }),
    };
    const fill = async () => {
      await append('job-1');
      await append('job-2', [event({ type: 'Other' })]);
      await append('jobs-1');
    };
    await fill();
    const heard = Object.fromEntries(Object.entries(filters).map(([name, filter]) => [name, toAll({ filter })]));
    for (const one of Object.values(heard)) await one.says('caught-up');
    await fill();
    await heard.typeRegex.says('jobs-1@1');
    await until(() => heard.type.events.length === 4 && heard.prefix.events.length === 4);
    await heard.regex.says('job-2@1');
    expect(heard.prefix.events).toEqual(['job-1@0', 'job-2@0', 'job-1@1', 'job-2@1']);
    expect(heard.regex.events).toEqual(['job-2@0', 'job-2@1']);
    expect(heard.type.events).toEqual(['job-1@0', 'jobs-1@0', 'job-1@1', 'jobs-1@1']);
    expect(heard.typeRegex.events).toHaveLength(6);
  });

  it('says a checkpoint every window × interval records, also when nothing matched, old and new', async () => {
    server.log.noise(99);
    const checkpoints: bigint[] = [];
    const filter = streamNameFilter({
      prefixes: ['job-'],
      maxSearchWindow: 10,
      checkpointInterval: 2,
      checkpointReached: (_subscription, { commit }) => void checkpoints.push(commit),
    });
    const heard = toAll({ filter });
    await heard.says('caught-up');
    // Of the last page of an interval: where it began, as nothing in it matched.
    expect(checkpoints).toEqual([10, 30, 50, 70, 90].map((index) => server.log.records[index].position));
    server.log.noise(40);
    // Live it is the record itself.
    await until(() => checkpoints.length === 7);
    expect(checkpoints.at(-1)).toBe(server.log.records[139].position);
    expect(heard.events).toEqual([]);
  });

  it('with the default window and interval says one every 32 records, at the last one that matched', async () => {
    await append('job-1');
    server.log.noise(30);
    await append('job-1');
    server.log.noise(31);
    const checkpoints: bigint[] = [];
    const filter = streamNameFilter({
      prefixes: ['job-'],
      checkpointReached: (_subscription, { commit }) => void checkpoints.push(commit),
    });
    await toAll({ filter }).says('caught-up');
    expect(checkpoints).toEqual([1, 32].map((index) => server.log.records[index].position));
  });

  it.each([
    ['unfiltered', {}],
    ['filtered', { filter: jobs }],
  ])('that is %s is dropped by one append of 500 events, and resumes from where it was', async (_name, options) => {
    const heard = toAll(options);
    await heard.says('caught-up');
    await append('job-1', events(500));
    await heard.says('error');
    expect(heard.error).toMatchObject({ type: 'timeout', code: 10 });
    expect(heard.error!.message).toContain('Consumer too slow to handle event while live');
    const count = heard.events.filter((one) => one.startsWith('job')).length;
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThan(500);
    const commit = heard.positions.at(-1)!;
    const again = toAll({ ...options, fromPosition: { commit, prepare: commit } });
    await again.says('caught-up');
    expect(again.events).toEqual(Array.from({ length: 500 - count }, (_, n) => `job-1@${n + count}`));
  });

  it('survives bursts of a hundred', async () => {
    const heard = toAll({ filter: jobs });
    await heard.says('caught-up');
    for (let n = 0; n < 10; n++) {
      await append('job-1', events(100));
      await heard.says(`job-1@${n * 100 + 99}`);
    }
    expect(heard.error).toBeUndefined();
  });

  it('waits for its consumer while it catches up: nothing is lost and it is not dropped', async () => {
    for (let n = 0; n < 10; n++) await append('job-1', [...events(199), event({ data: { much: 'x'.repeat(20_000) } })]);
    const heard: string[] = [];
    for await (const { event: one } of client.subscribeToAll({ filter: jobs })) {
      heard.push(one!.id);
      if (heard.length % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      if (heard.length === 2_000) break;
    }
    expect(heard).toEqual((await all(client.readStream('job-1'))).map(({ event: one }) => one!.id));
  });

  it('from a position that is none is refused; from one that is not written yet it waits', async () => {
    const wrong = toAll({ fromPosition: { commit: 1n, prepare: 1n } });
    await wrong.says('error');
    expect(wrong.error!.message).toBe('2 UNKNOWN: Exception was thrown by handler.');
    const ahead = toAll({ fromPosition: { commit: 1_000_000n, prepare: 1_000_000n } });
    await ahead.says('caught-up');
    expect(ahead.events).toEqual([]);
  });

  it('is dropped when its consumer does not read', async () => {
    const large = () => event({ data: { much: 'x'.repeat(100_000) } });
    // What neither the client nor the socket holds stays in the buffer of the server.
    const subscription = client.subscribeToAll({ fromPosition: END, filter: jobs });
    const heard = new Heard(subscription);
    await heard.says('caught-up');
    subscription.pause();
    for (let n = 0; n < 200; n++) await append('job-1', [large()]);
    subscription.resume();
    await heard.says('error');
    expect(heard.error).toMatchObject({ type: 'timeout', code: 10 });
    expect(heard.events.length).toBeLessThan(200);
  });

  it('ends cleanly, falls silent or is dropped on command', async () => {
    const ended = toAll();
    await ended.says('caught-up');
    server.faults.endSubscriptions();
    await ended.says('close');
    expect(ended.said).toContain('end');
    expect(ended.error).toBeUndefined();
    const muted = toAll({ fromPosition: END });
    await muted.says('caught-up');
    server.faults.muteSubscriptions();
    const other = toAll({ fromPosition: END });
    await other.says('caught-up');
    await append('job-1');
    await other.says('job-1@0');
    server.faults.dropSlowSubscriptions();
    await other.says('error');
    expect(other.error).toMatchObject({ type: 'timeout', code: 10 });
    await muted.says('error');
    expect(muted.events).toEqual([]);
  });
});

describe('a subscription to a stream', () => {
  const toStream = (stream: string, options?: object) => new Heard(client.subscribeToStream(stream, options));

  it('begins after its revision, exclusive, and says when it has caught up', async () => {
    await append('job-1', events(3));
    const heard = toStream('job-1', { fromRevision: 0n });
    const late = toStream('job-1', { fromRevision: END });
    await heard.says('caught-up');
    await late.says('caught-up');
    await append('job-2');
    await append('job-1');
    await heard.says('job-1@3');
    await late.says('job-1@3');
    expect(heard.said).toEqual(['confirmation', 'job-1@1', 'job-1@2', 'caught-up', 'job-1@3']);
    expect(late.events).toEqual(['job-1@3']);
  });

  it('that does not exist has caught up when it has been given the first events, all of them', async () => {
    const heard = toStream('job-1');
    await heard.says('confirmation');
    await append('job-2');
    await append('job-1', events(500));
    await heard.says('caught-up');
    await append('job-1');
    await heard.says('job-1@500');
    expect(heard.said.slice(0, 3)).toEqual(['confirmation', 'job-1@0', 'job-1@1']);
    expect(heard.said.slice(-3)).toEqual(['job-1@499', 'caught-up', 'job-1@500']);
  });

  it('is given a tombstone and ends with an error; from the end of a tombstoned stream it waits', async () => {
    await append('job-1');
    const heard = toStream('job-1');
    await heard.says('caught-up');
    await client.tombstoneStream('job-1');
    await heard.says('error');
    expect(heard.events).toEqual(['job-1@0', 'job-1@9223372036854775807']);
    expect(heard.error).toMatchObject({ type: 'stream-deleted' });
    const again = toStream('job-1');
    await again.says('error');
    expect(again.error).toMatchObject({ type: 'stream-deleted' });
    await toStream('job-1', { fromRevision: END }).says('caught-up');
  });
});
