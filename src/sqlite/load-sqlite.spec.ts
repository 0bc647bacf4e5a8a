import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as Sqlite from '.';

/** A fresh copy of the room, with a better-sqlite3 that fails as given. */
function roomWhere(fails: () => unknown): typeof Sqlite {
  jest.resetModules();
  jest.doMock('better-sqlite3', fails);
  return jest.requireActual<typeof Sqlite>('.');
}

const notFound = (name: string) =>
  Object.assign(new Error(`Cannot find module '${name}'\nRequire stack:\n- /host`), { code: 'MODULE_NOT_FOUND' });

describe('the driver of SQLite files', () => {
  afterEach(() => jest.dontMock('better-sqlite3'));

  it('is the installed one', async () => {
    const { loadSqlite } = jest.requireActual<typeof Sqlite>('.');
    const Driver = await loadSqlite('The embedded log');
    const db = new Driver(':memory:');
    expect(db.prepare('SELECT 1').pluck().get()).toBe(1);
    db.close();
  });

  it('that is absent is named, with who needs it, the versions and the command', async () => {
    const { loadSqlite } = roomWhere(() => {
      throw notFound('better-sqlite3');
    });
    await expect(loadSqlite('The embedded log')).rejects.toMatchObject({
      name: 'SqliteMissingError',
      message: 'The embedded log needs the package better-sqlite3 (^12.11.1), which is not installed.',
      remedy: expect.stringContaining('npm install better-sqlite3@^12.11.1'),
      cause: expect.objectContaining({ code: 'MODULE_NOT_FOUND' }),
    });
  });

  it('that lacks a part of its own is installed, and to be built again', async () => {
    const { loadSqlite } = roomWhere(() => {
      throw notFound('bindings');
    });
    await expect(loadSqlite('The view')).rejects.toMatchObject({
      message: expect.stringContaining("cannot be loaded (Cannot find module 'bindings')"),
      remedy: expect.stringContaining('npm rebuild better-sqlite3'),
    });
  });

  it('whose native part was built for another Node is noticed by its first connection', async () => {
    const { loadSqlite } = roomWhere(() =>
      Object.assign(
        () => {
          throw Object.assign(new Error('was compiled against a different Node.js version'), {
            code: 'ERR_DLOPEN_FAILED',
          });
        },
        { __esModule: false },
      ),
    );
    await expect(loadSqlite('The view')).rejects.toMatchObject({
      message: expect.stringContaining('cannot be loaded'),
      remedy: expect.stringContaining('npm rebuild better-sqlite3'),
    });
  });

  it('has the range that the package declares', () => {
    const { SQLITE_RANGE } = jest.requireActual<typeof Sqlite>('.');
    const manifest = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    expect(manifest.optionalDependencies['better-sqlite3']).toBe(SQLITE_RANGE);
  });
});
