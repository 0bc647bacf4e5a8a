import { eventStoreContract } from '../../src/testing';
import { logsOn } from './log-of-its-own';

/**
 * The contract against the server that HOLDFAST_EVENTSTOREDB_URL names (`npm run test:eventstoredb`). Every case has a log of its own, of a
 * namespace that no run had before, so that it works beside other data.
 */
const url = process.env.HOLDFAST_EVENTSTOREDB_URL ?? '';

describe('the store of EventStoreDB, against a server, keeps the contract:', () => {
  for (const { name, run } of eventStoreContract(logsOn(() => url))) it(name, run);
});
