import { StandIn } from './stand-in';
import { faultsWithoutProxy } from './without-proxy';

/** As against a server: `npm run test:eventstoredb`. */
describe('the store of EventStoreDB, when others meddle with its log or nobody keeps up', () => {
  let server: StandIn;
  beforeEach(async () => {
    server = await StandIn.start();
  });
  afterEach(() => server.close());

  for (const { name, run } of faultsWithoutProxy(() => server.connectionString)) it(name, run);
});
