// A subscription with the bare client, in a process of its own.
// node subscribe.cjs <connection string> no-listener | iterator | checkpoint
const { EventStoreDBClient, streamNameFilter } = require('@eventstore/db-client');

const [connectionString, how] = process.argv.slice(2);
const client = EventStoreDBClient.connectionString(connectionString);
setInterval(() => undefined, 1_000);

if (how === 'no-listener') {
  client.subscribeToAll().on('caughtUp', () => console.log('caught up'));
}
if (how === 'iterator') {
  const subscription = client.subscribeToAll();
  subscription
    .on('caughtUp', () => console.log('caught up'))
    .on('error', (error) => console.log(`listener: ${error.constructor.name}`));
  (async () => {
    for await (const _ of subscription);
  })().catch((error) => console.log(`iterator: ${error.constructor.name}`));
}
if (how === 'checkpoint') {
  process.on('unhandledRejection', (error) => console.log(`unhandled: ${error.message}`));
  const checkpointReached = () => Promise.reject(new Error('cannot be kept'));
  const filter = streamNameFilter({ prefixes: ['job-'], maxSearchWindow: 2, checkpointInterval: 1, checkpointReached });
  client
    .subscribeToAll({ fromPosition: 'end', filter })
    .on('caughtUp', () => console.log('caught up'))
    .on('data', ({ event }) => console.log(`heard ${event.streamId}@${event.revision}`))
    .on('end', () => console.log('end'))
    .on('error', (error) => console.log(`error: ${error.message}`));
}
