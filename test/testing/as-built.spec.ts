import type * as Testing from '../../src/testing';

// As it is installed: the files of dist are not compiled once more, and run where this test runner keeps modules.
const { HoldfastTesting, HoldfastTestingModule } = jest.requireActual<typeof Testing>('../../dist/testing');

describe('holdfast/testing as it is built', () => {
  it('opens its view within a test runner', async () => {
    const { Test } = jest.requireActual<typeof import('@nestjs/testing')>('@nestjs/testing');
    const app = await Test.createTestingModule({ imports: [HoldfastTestingModule.forRoot()] }).compile();
    await app.init();
    const testing = app.get(HoldfastTesting);
    await testing.advance('10s');
    await testing.close();
    await app.close();
  });

  it('loads the client of a log in EventStoreDB within a test runner', async () => {
    const { loadClient } = jest.requireActual<typeof import('../../src/event-store/eventstoredb/load-client')>(
      '../../dist/event-store/eventstoredb/load-client',
    );
    expect((await loadClient()).EventStoreDBClient).toBeInstanceOf(Function);
  });
});
