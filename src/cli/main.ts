#!/usr/bin/env node
import { StreamOutput } from './output';
import { run } from './program';

const io = {
  out: new StreamOutput(process.stdout),
  err: new StreamOutput(process.stderr),
  interactive: process.stderr.isTTY === true,
};

void run(process.argv.slice(2), io).then((code) => {
  process.exitCode = code;
});
