import { inspect } from 'node:util';

/**
 * User and password as the client takes them. The password shows up nowhere: not in `inspect`, not in JSON, and not in the traces that the
 * client prints of its options (`DEBUG=esdb:*`).
 */
export class StoreCredentials {
  readonly #password: string;

  constructor(
    readonly username: string,
    password: string,
  ) {
    this.#password = password;
  }

  get password(): string {
    return this.#password;
  }

  toJSON(): string {
    return `${this.username}:***`;
  }

  toString(): string {
    return this.toJSON();
  }

  [inspect.custom](): string {
    return this.toJSON();
  }
}

/** A connection string breaks a rule. Neither `rule` nor `remedy` nor the message repeats what may be secret. */
export class ConnectionStringError extends Error {
  override readonly name = 'ConnectionStringError';
  constructor(
    readonly rule: string,
    readonly remedy: string,
  ) {
    super(`${rule} ${remedy}`);
  }
}

/** Whether this names a server of EventStoreDB rather than a file. */
export function isConnectionString(text: string): boolean {
  return /^esdb(\+discover)?:\/\//i.test(text);
}

const EXAMPLE = 'For example esdb://user:password@host:2113 or esdb://host:2113?tls=false.';
const ENCODE =
  'Percent-encode what is not a letter or digit in the user and the password (@ is %40, / is %2F, ? is %3F).';

type Check = (key: string, value: string) => string;

const text: Check = (key, value) => {
  if (value === '') throw new ConnectionStringError(`${key} is empty.`, `Give it a value, or leave ${key} out.`);
  return value;
};
/** With fewer than that the client would look for no node at all, or give none the time to answer, and never say why. */
const atLeast =
  (least: number): Check =>
  (key, value) => {
    if (/^\d{1,9}$/.test(value) && Number(value) >= least) return value;
    throw new ConnectionStringError(
      `${key} is no whole number of ${least} or more.`,
      `Give ${key} such a number, or leave it out.`,
    );
  };
/** -1 switches it off: a frozen server is noticed by deadlines only. */
const keepAlive: Check = (key, value) => (value === '-1' ? value : atLeast(1)(key, value));
const flag: Check = (key, value) => {
  if (value === 'true' || value === 'false') return value;
  throw new ConnectionStringError(`${key} is neither true nor false.`, `Write ${key}=true or ${key}=false.`);
};
const only =
  (allowed: string, why: string): Check =>
  (key, value) => {
    if (value.toLowerCase() === allowed) return value;
    throw new ConnectionStringError(`${key} can only be ${allowed}: ${why}.`, `Leave ${key} out.`);
  };

/**
 * The options of a connection string. Whatever is not in here is refused before the client sees it: the client would print the whole string,
 * password included, with its warning.
 */
const OPTIONS: Readonly<Record<string, Check>> = {
  tls: flag,
  tlsCAFile: text,
  tlsVerifyCert: only('true', 'this client cannot do without the check; name the authority with tlsCAFile'),
  userCertFile: text,
  userKeyFile: text,
  connectionName: text,
  defaultDeadline: atLeast(1),
  keepAliveInterval: keepAlive,
  keepAliveTimeout: keepAlive,
  maxDiscoverAttempts: atLeast(1),
  discoveryInterval: atLeast(0),
  gossipTimeout: atLeast(1),
  nodePreference: only('leader', 'whatever decides reads from the leader and writes to it'),
  throwOnAppendFailure: only('true', 'without it the client reports wrong revisions'),
};
const flat = (key: string) => key.trim().toLowerCase().replace(/[_-]/g, '');
const optionOf = new Map(Object.keys(OPTIONS).map((key) => [flat(key), key]));

/**
 * What we set unless the connection string does:
 * - keep-alive every 2 s, answered within 1.5 s: a frozen server is noticed after 3.5 s at most (20 s by the client's default), before own trust
 *   (4 s by default) has run out;
 * - discovery asks every seed once, and gives each 2 s: whoever needs the log asks again anyway, with a pause and a word in the log, and sees
 *   how it stands; ten silent rounds of five seconds per seed would be minutes.
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  keepAliveInterval: '2000',
  keepAliveTimeout: '1500',
  maxDiscoverAttempts: '1',
  gossipTimeout: '2',
  connectionName: 'holdfast',
};

/** Taken and ignored by a server without TLS: with credentials per call the client sends each append as a call of its own. */
const NOBODY = new StoreCredentials('holdfast', 'none');

/** Where a log in EventStoreDB is, read from `esdb://…`. Everything that shows itself shows no password. */
export class EventStoreDbConnection {
  readonly #forClient: string;
  /** The string with `***` for the password. */
  readonly shown: string;
  readonly credentials: StoreCredentials;
  /** Without TLS nobody is asked who they are. */
  readonly tls: boolean;

  /**
   * `esdb://[user:password@]host[:2113][,host…][?option=value&…]`, or `esdb+discover://name` for a name that resolves to the nodes.
   * @throws ConnectionStringError with the rule and the remedy, without the string.
   */
  static parse(connection: string): EventStoreDbConnection {
    return new EventStoreDbConnection(connection);
  }

  private constructor(connection: string) {
    const parts = /^(esdb|esdb\+discover):\/\/([^/?]*)\/*(?:\?(.*))?$/i.exec(connection.trim());
    if (parts === null)
      throw isConnectionString(connection.trim())
        ? new ConnectionStringError('After the hosts comes nothing, or ? and options.', `${EXAMPLE} ${ENCODE}`)
        : new ConnectionStringError('A connection string begins with esdb:// or esdb+discover://.', EXAMPLE);
    const scheme = parts[1].toLowerCase();
    const at = parts[2].lastIndexOf('@');
    const hosts = readHosts(scheme, parts[2].slice(at + 1));
    const options = readOptions(parts[3] ?? '');
    this.tls = options.get('tls') !== 'false';
    const known = at < 0 ? null : readCredentials(parts[2].slice(0, at));
    if (known === null && this.tls)
      throw new ConnectionStringError(
        'A server with TLS asks who is there: user and password are missing.',
        'Write esdb://user:password@host, or tls=false for a server without TLS.',
      );
    this.credentials = known ?? NOBODY;
    const query = (pairs: Iterable<readonly [string, string]>) =>
      [...pairs].map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
    const shown = query(options);
    this.shown = `${scheme}://${known === null ? '' : `${known}@`}${hosts}${shown === '' ? '' : `?${shown}`}`;
    // Without the credentials: they go with each call, and the client prints this string when it is told to trace.
    this.#forClient = `${scheme}://${hosts}?${query(new Map([...Object.entries(DEFAULTS), ...options]))}`;
  }

  /** What the client is given. Two connections with the same one share a client. */
  get forClient(): string {
    return this.#forClient;
  }

  toString(): string {
    return this.shown;
  }

  toJSON(): string {
    return this.shown;
  }

  [inspect.custom](): string {
    return this.shown;
  }
}

function readHosts(scheme: string, hosts: string): string {
  const found = hosts.split(',').map((host) => host.trim());
  for (const host of found) {
    const port = /^[A-Za-z0-9._-]+(?::(\d{1,5}))?$/.exec(host);
    if (port === null || Number(port[1] ?? 2113) > 65_535 || Number(port[1] ?? 2113) === 0)
      throw new ConnectionStringError(
        'After the credentials come hosts, each with a port if it is not 2113, separated by commas.',
        `${EXAMPLE} ${ENCODE}`,
      );
  }
  if (scheme === 'esdb+discover' && found.length > 1)
    throw new ConnectionStringError('esdb+discover takes one name.', 'Write esdb:// before several hosts.');
  return found.join(',');
}

function readCredentials(pair: string): StoreCredentials {
  const colon = pair.indexOf(':');
  try {
    const [username, password] = [decodeURIComponent(pair.slice(0, colon)), decodeURIComponent(pair.slice(colon + 1))];
    if (colon > 0 && password !== '') return new StoreCredentials(username, password);
  } catch {
    // A stray %.
  }
  throw new ConnectionStringError('The credentials are no user:password.', ENCODE);
}

function readOptions(query: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const pair of query.split('&').filter((one) => one !== '')) {
    const cut = pair.indexOf('=');
    const key = optionOf.get(flat(cut < 0 ? pair : pair.slice(0, cut)));
    if (key === undefined)
      throw new ConnectionStringError(
        'It has an option that is not known.',
        `Known are ${Object.keys(OPTIONS).join(', ')}. ${ENCODE}`,
      );
    options.set(key, OPTIONS[key](key, decoded(key, cut < 0 ? '' : pair.slice(cut + 1).trim())));
  }
  return options;
}

function decoded(key: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new ConnectionStringError(`${key} has a stray %.`, 'Percent-encode it: % is %25.');
  }
}
