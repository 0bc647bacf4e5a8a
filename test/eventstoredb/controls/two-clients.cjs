// Two bare clients in one process, each with an append under way; what happens to one when the server of the other dies?
// node two-clients.cjs <connection string> <connection string>
const { EventStoreDBClient, jsonEvent } = require('@eventstore/db-client');

setInterval(() => undefined, 1_000);
process.argv.slice(2).forEach((connectionString, n) => {
  EventStoreDBClient.connectionString(connectionString)
    .appendToStream('job-1', jsonEvent({ type: 'Happened', data: {} }))
    .then(
      () => console.log(`${n} acknowledged`),
      (error) => console.log(`${n} failed: ${error.constructor.name} ${error.code}`),
    );
});
