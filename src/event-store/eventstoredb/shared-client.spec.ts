import { EventStoreDbConnection } from './connection-string';
import type { ClientModule } from './load-client';
import { takeClient } from './shared-client';

const connection = (host: string) => EventStoreDbConnection.parse(`esdb://admin:s3cr3t@${host}`);
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A client of which only the inside counts. */
class FakeClient {
  static readonly made: FakeClient[] = [];
  static fails: Error | null = null;
  disposed = 0;
  closed = 0;
  discovery: Promise<unknown> = Promise.resolve();

  static connectionString(text: string): FakeClient {
    console.warn('Specified KeepAliveInterval of 2000 is less than recommended 10_000 ms.');
    console.warn('something else');
    if (FakeClient.fails) throw FakeClient.fails;
    return new FakeClient(text);
  }
  constructor(readonly text: string) {
    FakeClient.made.push(this);
  }
  handleError = async (): Promise<void> => {
    await this.discovery;
  };
  execute = async (client: unknown, _name: string, action: (client: unknown) => Promise<void>): Promise<void> =>
    action(client);
  getChannel = async (): Promise<{ close(): void }> => ({ close: () => void this.closed++ });
  dispose = async (): Promise<void> => void this.disposed++;
}
const clientModule = { EventStoreDBClient: FakeClient } as unknown as ClientModule;

describe('the client of a process', () => {
  let warn: jest.SpyInstance;
  beforeEach(() => {
    FakeClient.made.length = 0;
    FakeClient.fails = null;
    warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  });
  afterEach(() => warn.mockRestore());

  it('is one for all who ask for the same server, and ends with the last of them', async () => {
    const one = takeClient(clientModule, connection('a'));
    const two = takeClient(clientModule, EventStoreDbConnection.parse('esdb://other:password@a'));
    expect(one.client).toBe(two.client);
    const [made] = FakeClient.made;
    await made.getChannel();
    await one.release();
    await one.release();
    expect(made.disposed).toBe(0);
    await two.release();
    await turn();
    expect([FakeClient.made.length, made.disposed, made.closed]).toEqual([1, 1, 1]);
    const anew = takeClient(clientModule, connection('a'));
    expect(anew.client).not.toBe(one.client);
    await anew.release();
  });

  it('is another one for another server, and never knows a password', async () => {
    const taken = ['a', 'b'].map((host) => takeClient(clientModule, connection(host)));
    expect(FakeClient.made).toHaveLength(2);
    for (const { text } of FakeClient.made) expect(text).not.toContain('s3cr3t');
    for (const { release } of taken) await release();
  });

  it('does not warn about the keep-alive that is set with a reason; it warns about everything else', async () => {
    const { release } = takeClient(clientModule, connection('a'));
    expect(warn.mock.calls).toEqual([['something else']]);
    expect(console.warn).toBe(warn);
    await release();
  });

  it('survives that a search for a node fails while an error is handled', async () => {
    const { client, release } = takeClient(clientModule, connection('a'));
    const inside = client as unknown as FakeClient;
    inside.discovery = Promise.reject(new Error('Failed to discover after 1 attempts.'));
    await expect(inside.handleError()).resolves.toBeUndefined();
    await release();
  });

  it('makes no call on a connection that was closed meanwhile: it would throw where nobody catches it', async () => {
    const { client, release } = takeClient(clientModule, connection('a'));
    const inside = client as unknown as FakeClient;
    const calls: string[] = [];
    const on = (state: number) =>
      inside.execute({ getChannel: () => ({ getConnectivityState: () => state }) }, 'append', async () => {
        calls.push('made');
      });
    await on(2);
    await expect(on(4)).rejects.toMatchObject({
      code: 14,
      message: expect.stringMatching(/^No connection established/),
    });
    expect(calls).toEqual(['made']);
    await release();
  });

  it('that cannot be made says which files to look at, and leaves the console as it was', () => {
    FakeClient.fails = new Error('Failed to load certificate file. File was not found.');
    expect(() => takeClient(clientModule, connection('a'))).toThrow(
      expect.objectContaining({
        name: 'StoreUnusableError',
        code: 'path',
        remedy: expect.stringContaining('tlsCAFile'),
      }),
    );
    expect(console.warn).toBe(warn);
  });
});
