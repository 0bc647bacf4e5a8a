import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { appendKills } from './append-kills';
import { chaos } from './chaos';
import { whyUnfit } from './locks';
import { readOptions, usage, UsageError } from './options';

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  const unfit = whyUnfit();
  if (unfit !== null) throw new Error(`Chaos cannot be made here: ${unfit}`);
  const directory = mkdtempSync(join(options.directory, 'holdfast-chaos-'));
  const elsewhere = options.logDirectory === null ? null : mkdtempSync(join(options.logDirectory, 'holdfast-chaos-'));
  const logDirectory = elsewhere ?? directory;
  let good = false;
  try {
    good = await (options.appendKills > 0
      ? appendKills(options, logDirectory)
      : chaos(options, { directory, logDirectory }));
    return good ? 0 : 1;
  } finally {
    const laid = elsewhere === null ? [directory] : [directory, elsewhere];
    if (good && !options.keep) for (const one of laid) rmSync(one, { recursive: true, force: true });
    else process.stderr.write(`Log, ledger and diaries are in ${laid.join(' and ')}\n`);
  }
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${usage}`);
      process.exit(2);
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
