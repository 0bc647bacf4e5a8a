// What runs against a real server, and only when it is asked for: `npm run test:eventstoredb`.
if (!process.env.HOLDFAST_EVENTSTOREDB_URL) {
  console.error(
    'npm run test:eventstoredb needs a server of EventStoreDB (22.6 or later): set HOLDFAST_EVENTSTOREDB_URL to its connection string,\n' +
      'for example esdb://127.0.0.1:2113?tls=false or esdb://user:password@host:2113?tlsCAFile=ca.crt. The user must be allowed to read $all.\n' +
      'Every run writes logs of its own and touches no other; they stay on the server.',
  );
  process.exit(1);
}

/** @type {import('jest').Config} */
module.exports = {
  ...require('./jest.config.js'),
  testMatch: ['<rootDir>/test/eventstoredb/real-server.ts'],
  testTimeout: 60_000,
};
