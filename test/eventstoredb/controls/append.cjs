// One append with the bare client, in a process of its own: some of what goes wrong with it ends the process.
// node append.cjs <connection string> <event as JSON> [plain] [bigint] [cycle] [swallow] [unhandled]
const { EventStoreDBClient, jsonEvent } = require('@eventstore/db-client');

const [connectionString, json, ...flags] = process.argv.slice(2);
const has = (flag) => flags.includes(flag);
const client = EventStoreDBClient.connectionString(connectionString);
const options = has('plain') ? { credentials: { username: 'nobody', password: 'nothing' } } : {};
const cycle = {};
cycle.cycle = cycle;
const data = has('bigint') ? { amount: 1n } : has('cycle') ? cycle : {};
const append = (name, given) =>
  client.appendToStream('job-1', jsonEvent({ type: 'Happened', data: {}, ...given }), options).then(
    () => console.log(`${name} acknowledged`),
    (error) => console.log(`${name} failed: ${error.constructor.name} ${error.message}`),
  );

// What ends this process is the client, not that there is nothing to do.
setInterval(() => undefined, 1_000);
if (has('unhandled')) process.on('unhandledRejection', (error) => console.log(`unhandled: ${error.message}`));
if (has('swallow')) {
  process.on('uncaughtException', (error) => {
    console.log(`swallowed: ${error.message}`);
    void append('later', {});
  });
}
void append('first', { data, ...JSON.parse(json) });
