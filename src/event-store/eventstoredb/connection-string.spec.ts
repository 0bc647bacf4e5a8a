import { inspect } from 'node:util';
import {
  ConnectionStringError,
  EventStoreDbConnection,
  StoreCredentials,
  isConnectionString,
} from './connection-string';

const SECRET = 'pa:s@s/w?rd';
const encoded = encodeURIComponent(SECRET);

describe('a connection string', () => {
  it.each([
    ['esdb://localhost?tls=false', 'esdb://localhost?'],
    ['esdb://localhost:2114/?tls=false', 'esdb://localhost:2114?'],
    ['esdb://a,b:2114,c:2115?tls=false', 'esdb://a,b:2114,c:2115?'],
    ['esdb+discover://cluster.example.org?tls=false', 'esdb+discover://cluster.example.org?'],
    [`esdb://admin:${encoded}@localhost:2113`, 'esdb://localhost:2113?'],
  ])('%s is given to the client without credentials', (given, begins) => {
    const { forClient } = EventStoreDbConnection.parse(given);
    expect(forClient.startsWith(begins)).toBe(true);
    expect(forClient).not.toContain('@');
  });

  it('sets keep-alive and discovery unless they are set', () => {
    const { forClient } = EventStoreDbConnection.parse('esdb://localhost?tls=false');
    for (const option of [
      'keepAliveInterval=2000',
      'keepAliveTimeout=1500',
      'gossipTimeout=2',
      'maxDiscoverAttempts=1',
    ])
      expect(forClient).toContain(option);
    const own = EventStoreDbConnection.parse('esdb://localhost?tls=false&keep-alive-interval=9000').forClient;
    expect(own).toContain('keepAliveInterval=9000');
    expect(own).not.toContain('keepAliveInterval=2000');
  });

  it('decodes user and password, and gives credentials where a server without TLS asks for none', () => {
    const { credentials } = EventStoreDbConnection.parse(`esdb://ad%40min:${encoded}@localhost`);
    expect([credentials.username, credentials.password]).toEqual(['ad@min', SECRET]);
    expect(EventStoreDbConnection.parse('esdb://localhost?tls=false').credentials.username).not.toBe('');
  });

  it('takes a file of the authority', () => {
    const { forClient, tls } = EventStoreDbConnection.parse('esdb://u:p@localhost?tlsCAFile=/etc/my ca.crt');
    expect(forClient).toContain('tlsCAFile=%2Fetc%2Fmy%20ca.crt');
    expect(tls).toBe(true);
  });

  it.each([
    ['no scheme', `admin:${encoded}@localhost`],
    ['another scheme', `http://admin:${encoded}@localhost`],
    ['a password that is not encoded', `esdb://admin:${SECRET}@localhost`],
    ['no host', `esdb://admin:${encoded}@`],
    ['a port that is none', `esdb://admin:${encoded}@localhost:70000`],
    ['an option that is not known', `esdb://admin:${encoded}@localhost?tsl=false`],
    ['tls=0', `esdb://admin:${encoded}@localhost?tls=0`],
    ['no check of certificates', `esdb://admin:${encoded}@localhost?tlsVerifyCert=false`],
    ['followers', `esdb://admin:${encoded}@localhost?nodePreference=follower`],
    ['no throwing', `esdb://admin:${encoded}@localhost?throwOnAppendFailure=false`],
    ['a time that is no number', `esdb://admin:${encoded}@localhost?keepAliveInterval=soon`],
    ['no attempt at discovery', `esdb://admin:${encoded}@a,b?maxDiscoverAttempts=0`],
    ['no time for gossip', `esdb://admin:${encoded}@a,b?gossipTimeout=0`],
    ['no time for a call', `esdb://admin:${encoded}@localhost?defaultDeadline=0`],
    ['a time before now', `esdb://admin:${encoded}@a,b?discoveryInterval=-1`],
    ['keep-alive without a pause', `esdb://admin:${encoded}@localhost?keepAliveInterval=0`],
    ['a stray % in the password', 'esdb://admin:100%secret@localhost'],
    ['a user without a password', 'esdb://secret@localhost'],
    ['TLS without credentials', 'esdb://localhost'],
    ['discovery by two names', `esdb+discover://admin:${encoded}@a,b`],
  ])('with %s is refused, with a remedy and without the secret', (_what, given) => {
    let error: unknown;
    try {
      EventStoreDbConnection.parse(given);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConnectionStringError);
    const { message, rule, remedy } = error as ConnectionStringError;
    expect(rule).toMatch(/\.$/);
    expect(remedy).toMatch(/\S/);
    const shown = `${message} ${inspect(error)}`.replace(/user:password@host/g, '').replace(/at .*\n?/g, '');
    for (const secret of [SECRET, encoded, 'admin:', '100%secret', 'secret@']) expect(shown).not.toContain(secret);
  });

  it('takes keep-alive that is switched off, and the least that an option can be', () => {
    const least = 'keepAliveInterval=-1&keepAliveTimeout=1&maxDiscoverAttempts=1&gossipTimeout=1&discoveryInterval=0';
    expect(EventStoreDbConnection.parse(`esdb://a,b?tls=false&${least}`).shown).toBe(`esdb://a,b?tls=false&${least}`);
  });

  it.each(['esdb://admin:se/cret@localhost:2113', 'esdb://localhost:2113/path?tls=false'])(
    'tells of %s what is wrong behind the beginning, which is right',
    (given) => {
      expect(() => EventStoreDbConnection.parse(given)).toThrow(/after the hosts.*percent-encode.*%2F/is);
      expect(() => EventStoreDbConnection.parse(given)).not.toThrow(/begins with/);
    },
  );

  it('shows no password, however it is shown', () => {
    const connection = EventStoreDbConnection.parse(`esdb://admin:${encoded}@localhost:2113?tlsCAFile=ca.crt`);
    const shown = [
      connection.shown,
      String(connection),
      `${connection}`,
      JSON.stringify({ connection }),
      inspect(connection),
      inspect({ deep: { connection } }, { depth: 9, showHidden: true }),
      inspect(connection.credentials, { showHidden: true }),
      inspect({ options: { credentials: connection.credentials } }, { depth: 9 }),
      JSON.stringify(connection.credentials),
      String(connection.credentials),
      JSON.stringify({ ...connection }),
    ];
    for (const text of shown) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(encoded);
    }
    expect(connection.shown).toBe('esdb://admin:***@localhost:2113?tlsCAFile=ca.crt');
    expect(new StoreCredentials('a', 'b').password).toBe('b');
  });

  it('is told from the path of a file', () => {
    for (const one of ['esdb://a', 'ESDB://a', 'esdb+discover://a']) expect(isConnectionString(one)).toBe(true);
    for (const one of ['log.sqlite', '/esdb://', './esdb', 'esdb']) expect(isConnectionString(one)).toBe(false);
  });
});
