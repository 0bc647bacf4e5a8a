import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConnectionStringError, EventStoreDbConnection } from 'holdfast';
import { faults, type Fault } from './faults';
import { freshNamespace, type Log } from './log';
import { claimStateFolder, StateFolderError } from './state-folder';

const usage = `Usage: npm run demo -- [options]

Three decision engines share audits of a cluster; audits are changed, suspended, triggered; an engine is killed in mid-run; its audits go on
elsewhere. npm run audits -- list asks for them meanwhile.

  --once            end by itself and judge the run from the raw log and from the ledger; exit 0 only if all is well
  --fresh           empty the state folder first
  --store URL       the log is in EventStoreDB: esdb://host:2113?tls=false, esdb://user:password@a,b,c, …; every run has a
                    namespace of its own there, beside whatever else is on the server (default: a file in the state folder)
  --state DIR       state folder (default .holdfast/demo; with --once .holdfast/demo-once, with --store
                    .holdfast/demo-store; those two are emptied first)
  --profile NAME    default | tuned: how fast silence is noticed (default: default)
  --fault NAME      ${faults.join(' | ')}: break the promise on purpose; the judge must notice
  --help            this text
`;

export interface DemoOptions {
  readonly once: boolean;
  readonly state: string;
  readonly log: Log;
  readonly profile: 'default' | 'tuned';
  readonly fault: Fault;
}

/** From the command line. What cannot be understood, or used, ends the process with words and exit code 2. */
export function readOptions(): DemoOptions {
  function fail(words: string): never {
    process.stderr.write(`${words}\n\n${usage}`);
    process.exit(2);
  }
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        fresh: { type: 'boolean', default: false },
        store: { type: 'string' },
        state: { type: 'string' },
        profile: { type: 'string', default: 'default' },
        fault: { type: 'string', default: 'none' },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    return fail((error as Error).message);
  }
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const { profile } = values;
  if (profile !== 'default' && profile !== 'tuned') return fail(`--profile ${profile}: default or tuned.`);
  const fault = faults.find((f) => f === values.fault) ?? fail(`--fault ${values.fault}: one of ${faults.join(', ')}.`);
  const { store, once } = values;
  if (store !== undefined) {
    try {
      EventStoreDbConnection.parse(store);
    } catch (error) {
      if (!(error instanceof ConnectionStringError)) throw error;
      return fail(`--store: ${error.message}`);
    }
  }
  // A judged run begins with an empty log, one on a server with a log of its own; a plain one goes on with what is there.
  const folder = store !== undefined ? 'demo-store' : once ? 'demo-once' : 'demo';
  const state = resolve(values.state ?? join('.holdfast', folder));
  try {
    claimStateFolder(state, {
      empty: values.fresh || once || store !== undefined,
      say: (words) => process.stderr.write(`${words}\n`),
    });
  } catch (error) {
    if (!(error instanceof StateFolderError)) throw error;
    return fail(error.message);
  }
  const log: Log =
    store === undefined ? { path: join(state, 'log.sqlite') } : { connection: store, namespace: freshNamespace() };
  return { once, state, log, profile, fault };
}
