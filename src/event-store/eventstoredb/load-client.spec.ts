import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as Loading from './load-client';

/** A fresh copy, with a client that fails as given. */
function loadingWhere(fails: () => unknown): typeof Loading {
  jest.resetModules();
  jest.doMock('@eventstore/db-client', fails);
  return jest.requireActual<typeof Loading>('./load-client');
}

const notFound = (name: string) =>
  Object.assign(new Error(`Cannot find module '${name}'\nRequire stack:\n- /host`), { code: 'MODULE_NOT_FOUND' });

describe('the client of EventStoreDB', () => {
  afterEach(() => jest.dontMock('@eventstore/db-client'));

  it('is the installed one', async () => {
    const { loadClient } = jest.requireActual<typeof Loading>('./load-client');
    expect(typeof (await loadClient()).EventStoreDBClient.connectionString).toBe('function');
  });

  it('that is absent is named, with the versions and the command', async () => {
    const { loadClient } = loadingWhere(() => {
      throw notFound('@eventstore/db-client');
    });
    await expect(loadClient()).rejects.toMatchObject({
      name: 'StoreUnusableError',
      code: 'driver-missing',
      message: expect.stringContaining('@eventstore/db-client (^6.2.1), which is not installed'),
      remedy: expect.stringContaining('npm install @eventstore/db-client@^6.2.1'),
    });
  });

  it('that lacks a part of its own is installed, and to be installed anew', async () => {
    const { loadClient } = loadingWhere(() => {
      throw notFound('google-protobuf');
    });
    await expect(loadClient()).rejects.toMatchObject({
      code: 'driver-missing',
      message: expect.stringContaining("cannot be loaded (Cannot find module 'google-protobuf')"),
      remedy: expect.stringContaining('anew'),
    });
  });

  it('has the range that the package declares', () => {
    const { CLIENT_RANGE } = jest.requireActual<typeof Loading>('./load-client');
    const manifest = JSON.parse(readFileSync(join(__dirname, '../../../package.json'), 'utf8')) as {
      peerDependencies: Record<string, string>;
      peerDependenciesMeta: Record<string, { optional?: boolean }>;
    };
    expect(manifest.peerDependencies['@eventstore/db-client']).toBe(CLIENT_RANGE);
    expect(manifest.peerDependenciesMeta['@eventstore/db-client'].optional).toBe(true);
  });
});
