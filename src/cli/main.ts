#!/usr/bin/env node
import { StreamOutput } from './output';
import { run } from './program';

const io = {
  out: new StreamOutput(process.stdout),
  err: new StreamOutput(process.stderr),
  interactive: process.stderr.isTTY === true,
  ...(process.stdout.isTTY === true && { width: process.stdout.columns }),
};
// Ends at once; what is taken away at the exit is taken away.
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

void run(process.argv.slice(2), io).then((code) => {
  process.exitCode = code;
});
