import { Option, type Command } from 'commander';
import type { EventStore } from '../event-store';
import { copy } from './copy';
import { readAsOf, showHistory } from './history';
import { withLog } from './open-log';
import { logOption, namespaceOption, type Call } from './options';
import { printable } from './output';
import { UsageError } from './usage-error';
import { verify } from './verify';

const exitCodes = `
Exit codes: 0 done, the log is sound; 1 the log breaks a rule; 2 bad usage, or the log cannot be read.
`;

const notShown = `
Checked: I1 to I6, I8, I10, I12 and I13 of the protocol, what a decider would have refused, and the order of the log. A log alone cannot show I7 (the
view equals the fold), I9 (a wall clock that is moved changes nothing) and I11 (logs of earlier releases fold to the same state): see docs/guarantees.md.
`;

/** At most so many: they are read one violation after the other. */
const MOST_NEIGHBOURS = 50;

function readNeighbours(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : NaN;
  if (count <= MOST_NEIGHBOURS) return count;
  throw new UsageError(
    `--neighbours: '${printable(text)}' is none.`,
    `Give a whole number from 0 to ${MOST_NEIGHBOURS}.`,
  );
}

const copyNotes = `
Everything up to the head that the log has when the copy begins is copied: stop the services first. Beats are not copied. The copy is a log of its
own, with a generation above that of the first: see docs/moving-a-log.md.

Exit codes: 0 the copy is whole, equal and sound, and the log has got nothing since; 1 refused, or it is not; 2 bad usage; 3 a log cannot be opened,
read or written: start the same copy again.
`;

/** `verify`, `history`, `restored`, `copy`: what a log proves, and its care. */
export function auditCommands(program: Command, call: Call): void {
  program
    .command('verify')
    .description('check a log against the invariants: epochs, starts, outcomes, slots, owners')
    .argument('<log>', 'path of the log file, or esdb://… of a server')
    .addOption(namespaceOption())
    .addOption(
      new Option('--neighbours <n>', 'events of the stream shown before and after one that breaks a rule')
        .argParser(readNeighbours)
        .default(2),
    )
    .option('--json', 'print the report as JSON', false)
    .addHelpText('after', `${notShown}${exitCodes}`)
    .action(async (path: string, options: { namespace: string; json: boolean; neighbours: number }) => {
      call.code = await withLog({ log: path, ...options }, (store) => verify(store, options, call.io));
    });
  program
    .command('history')
    .description('tell the life of one job, and what it adds up to')
    .argument('<job>', 'id of the job')
    .addOption(logOption())
    .option('--as-of <point>', 'end there: a time (2026-03-29T01:00:00Z), revision:<n> or position:<n>; inclusive')
    .addOption(namespaceOption())
    .option('--json', 'print one JSON object per event (with --as-of: then one with the state)', false)
    .addHelpText('after', exitCodes)
    .action(async (job: string, options: { log: string; asOf?: string; namespace: string; json: boolean }) => {
      const asOf = options.asOf === undefined ? null : readAsOf(options.asOf);
      call.code = await withLog(options, (store) => showHistory(store, job, { ...options, asOf }, call.io));
    });
  program
    .command('restored')
    .description(
      'after a log was restored from a backup, with all services stopped: raise its generation, so that tokens given before are lower than all to come',
    )
    .argument('<log>', 'path of the log file, or esdb://… of a server')
    .addOption(namespaceOption('on a server: of which namespace; each is a log of its own, and is raised by itself'))
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', exitCodes)
    .action(async (path: string, { json, namespace }: { json: boolean; namespace: string }) => {
      const raise = (store: EventStore) => store.raiseGeneration();
      const { id, generation } = await withLog({ log: path, namespace }, raise, { readOnly: false });
      await call.io.out.write(
        json ? `${JSON.stringify({ log: id, generation })}\n` : `log ${id}: generation ${generation}\n`,
      );
    });
  program
    .command('copy')
    .description(
      'copy the jobs and services of a log into an empty one, of the same or another store, and compare both; started again, it goes on where it stopped',
    )
    .argument('<from>', 'path of the log file, or esdb://… of a server; it is only read')
    .argument('<to>', 'path of a new log file, or esdb://… of a server')
    .addOption(namespaceOption())
    .option('--json', 'print the report as JSON', false)
    .addHelpText('after', copyNotes)
    .action(async (from: string, to: string, options: { namespace: string; json: boolean }) => {
      call.unreadableCode = 3;
      const { namespace } = options;
      call.code = await withLog({ log: from, namespace }, (source) =>
        withLog({ log: to, namespace }, (target) => copy(source, target, options, call.io), { make: true }),
      );
    });
}
