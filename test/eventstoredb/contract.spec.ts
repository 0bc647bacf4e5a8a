import { eventStoreContract } from '../../src/testing';
import { logsOn } from './log-of-its-own';
import { StandIn } from './stand-in';

describe('the store of EventStoreDB, against the stand-in, keeps the contract:', () => {
  let server: StandIn;
  beforeAll(async () => {
    server = await StandIn.start();
  });
  afterAll(() => server.close());

  for (const { name, run } of eventStoreContract(logsOn(() => server.connectionString))) it(name, run);
});
