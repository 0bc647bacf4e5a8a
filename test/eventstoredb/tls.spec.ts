import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { EventStoreDbConnection } from '../../src/event-store';
import { HoldfastService, resolveOptions } from '../../src/runtime';
import { freshNamespace, openLog } from './log-of-its-own';
import { failover, Installation } from './services';
import { StandIn } from './stand-in';

/** What is not a letter or digit is percent-encoded. */
const PASSWORD = 'p@ss/w?rd%';

describe('a server with TLS and users', () => {
  let server: StandIn;
  const as = (user: string, password: string) =>
    server.connectionString.replace('esdb://', `esdb://${user}:${encodeURIComponent(password)}@`);

  beforeEach(async () => {
    server = await StandIn.start({ tls: true, users: { holdfast: PASSWORD } });
  });
  afterEach(() => server.close());

  it('serves services that know its authority, and who say who they are', async () => {
    const installation = new Installation(as('holdfast', PASSWORD));
    try {
      await failover(installation);
    } finally {
      await installation.close();
    }
  });

  it.each([
    ['another password', 'holdfast', 'wrong'],
    ['a user that it does not know', 'somebody', PASSWORD],
  ])('refuses %s, with the remedy and without the password', async (_what, user, password) => {
    const opening = openLog(as(user, password), freshNamespace());
    const error: unknown = await opening.catch((one: unknown) => one);
    expect(error).toMatchObject({
      name: 'StoreUnusableError',
      code: 'access-denied',
      remedy: expect.stringMatching(/user and password/),
    });
    expect(inspect(error, { depth: 9 })).not.toContain(password);
    expect(server.log.records.filter(({ stream }) => !stream.startsWith('$'))).toEqual([]);
  });

  it('that is not trusted is one that does not answer: not ready, and the words say why', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-tls-'));
    const [connection] = as('holdfast', PASSWORD).split('?');
    const service = await HoldfastService.open(
      resolveOptions({
        service: { name: 'a', host: 'test' },
        store: { kind: 'eventstoredb', connection },
        stateDirectory: folder,
      }),
    );
    try {
      await service.start();
      const { checks } = await service.readiness();
      expect(checks.store.ok).toBe(false);
      expect(checks.store.detail).toMatch(/the log has not answered yet: .*(certificate|issuer)/);
      expect(checks.store.detail).toContain(EventStoreDbConnection.parse(connection).shown);
      expect(checks.store.detail).not.toContain(PASSWORD);
    } finally {
      await service.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
