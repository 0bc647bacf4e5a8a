import type Database from 'better-sqlite3';

/** What `require('better-sqlite3')` gives: the class of its connections. */
export type SqliteDriver = typeof Database;

/** The versions that Holdfast works with. Later ones crash on Node 20. */
export const SQLITE_RANGE = '^12.11.1';

const INSTALL = `npm install better-sqlite3@${SQLITE_RANGE}`;
const NEEDS = 'it compiles at install if there is no binary for the platform: a C++ toolchain and python3';

/** better-sqlite3 is not installed, or its native part does not load. Nobody but those who open a file meets it. */
export class SqliteMissingError extends Error {
  override readonly name = 'SqliteMissingError';
  constructor(
    message: string,
    readonly remedy: string,
    options: { readonly cause: unknown },
  ) {
    super(message, options);
  }
}

/**
 * The only place that loads better-sqlite3, when the first file is opened: an application whose log and view are elsewhere
 * needs none, and `require('holdfast')` works without it.
 *
 * @param who begins the message: `The embedded log`.
 * @throws SqliteMissingError with the command to type.
 */
export async function loadSqlite(who: string): Promise<SqliteDriver> {
  try {
    // Not import(): a test runner that keeps modules in a context of its own, as jest does, refuses that one.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const driver = require('better-sqlite3') as SqliteDriver;
    // The native part is loaded by the first connection; a package whose build failed shows it only here.
    new driver(':memory:').close();
    return driver;
  } catch (cause) {
    throw isAbsent(cause)
      ? new SqliteMissingError(
          `${who} needs the package better-sqlite3 (${SQLITE_RANGE}), which is not installed.`,
          `Install it with \`${INSTALL}\` (${NEEDS}).`,
          { cause },
        )
      : new SqliteMissingError(
          `${who} needs the package better-sqlite3 (${SQLITE_RANGE}), which is installed but cannot be loaded (${firstLine(cause)}).`,
          `Build it again with \`npm rebuild better-sqlite3\`, as after a change of the Node version, or install it anew with \`${INSTALL}\` (${NEEDS}).`,
          { cause },
        );
  }
}

function isAbsent(cause: unknown): boolean {
  const { code, message = '' } = cause as { code?: unknown; message?: string };
  const missing = code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND';
  return missing && /['"]better-sqlite3['"]/.test(message);
}

function firstLine(cause: unknown): string {
  // The driver's own message goes on with a list of paths.
  return (cause instanceof Error ? cause.message : String(cause))
    .split('\n', 1)[0]!
    .replace(/\s*Tried:$/, '')
    .trim();
}
