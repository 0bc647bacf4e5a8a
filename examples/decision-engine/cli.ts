import 'reflect-metadata';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  CommandRefusedError,
  CommandUnavailableError,
  HoldfastService,
  JobOwnershipModule,
  OutcomeUnknownError,
  Queries,
  StoreUnavailableError,
  StoreUnusableError,
  type CommandResult,
} from 'holdfast';
import type { AuditChanges, AuditSpec } from './audit';
import { AuditDesk, type AuditView } from './audit-desk';
import { auditTable } from './audit-table';
import { enginesOf } from './engine-status';
import { Ledger } from './ledger';
import { openLog } from './log';
import { planText } from './strategies';

const usage = `Usage: npm run audits -- <command> [options]

Audits of the demo's engines, on their log, while they run or not. (A log in a file; not that of --store.)

  list                    all audits; --deleted: also those
  engines                 who runs them
  show <id>               one audit
  plan <id>               its newest plan; --all: all of them, the newest first
  create <file>           hands in what the file (- for the input) describes: an audit, or a list, as audits.json has them
  update <id> <changes>   JSON, as in '{ "interval": "PT30S", "scope": { "zones": ["az-1"] } }'; holds from the next run on
  suspend | resume | cancel | delete <id>
  trigger <id>            an EVENT audit runs, now

  --reason TEXT           why, for the log
  --json                  for programs
  --state DIR             state folder of the demo (default .holdfast/demo)
  --help                  this text
`;

class UsageError extends Error {}

/** Asked in the right way for what is not there. */
class NotThereError extends Error {}

interface Asked {
  readonly command: string;
  readonly id: string;
  readonly rest: string;
  readonly state: string;
  readonly json: boolean;
  readonly all: boolean;
  readonly deleted: boolean;
  readonly reason: string | undefined;
}

const needsId = ['show', 'plan', 'create', 'update', 'suspend', 'resume', 'cancel', 'delete', 'trigger'];

function readArguments(): Asked | null {
  const { values, positionals } = parsed();
  if (values.help) return null;
  const [command, id = '', rest = '', ...tooMany] = positionals;
  if (command === undefined) throw new UsageError('A command is wanted.');
  if (!['list', 'engines', ...needsId].includes(command)) throw new UsageError(`${command}: there is no such command.`);
  if (needsId.includes(command) && id === '') throw new UsageError(`${command}: of what?`);
  if (command === 'update' && rest === '') throw new UsageError('update: the changes are wanted, as JSON.');
  if (tooMany.length > 0 || (rest !== '' && command !== 'update')) throw new UsageError(`${command}: too many words.`);
  const { json, all, deleted, reason } = values;
  return { command, id, rest, state: resolve(values.state), json, all, deleted, reason };
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        state: { type: 'string', default: '.holdfast/demo' },
        reason: { type: 'string' },
        json: { type: 'boolean', default: false },
        all: { type: 'boolean', default: false },
        deleted: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** What is to be printed. */
async function answer(asked: Asked, desk: AuditDesk, queries: Queries): Promise<string> {
  const { command, id, json, deleted, reason } = asked;
  const options = { actor: 'operator', ...(reason !== undefined && { reason }) };
  const table = (audits: readonly AuditView[]) =>
    json ? JSON.stringify(audits, null, 2) : auditTable(audits, Date.now());
  const one = async (result?: CommandResult) => {
    const found = await desk.get(result?.id ?? id, { after: result?.position });
    if (found === null) throw new NotThereError(`${id}: there is no such audit.`);
    return found;
  };
  switch (command) {
    case 'list':
      return table(await desk.list({ deleted }));
    case 'engines': {
      const engines = enginesOf((await queries.services()).rows);
      if (json) return JSON.stringify(engines, null, 2);
      return engines.map(({ engine, status, audits }) => `${engine}  ${status}  ${audits} audits`).join('\n');
    }
    case 'show':
      return json ? JSON.stringify(await one(), null, 2) : auditTable([await one()], Date.now());
    case 'create': {
      const views: AuditView[] = [];
      for (const spec of specs(id)) views.push(await one(await desk.create(spec, options)));
      return table(views);
    }
    case 'update':
      return table([await one(await desk.update(id, jsonOf(asked.rest, 'changes') as AuditChanges, options))]);
    case 'suspend':
      return table([await one(await desk.suspend(id, options))]);
    case 'resume':
      return table([await one(await desk.resume(id, options))]);
    case 'cancel':
      return table([await one(await desk.cancel(id, options))]);
    case 'delete':
      return table([await one(await desk.delete(id, options))]);
    default:
      return table([await one(await desk.trigger(id, options))]);
  }
}

function specs(path: string): readonly AuditSpec[] {
  const text = readFileSync(path === '-' ? 0 : path, 'utf8');
  const given = jsonOf(text, path);
  return (Array.isArray(given) ? given : [given]) as AuditSpec[];
}

function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${what}: no JSON (${(error as Error).message}).`);
  }
}

function plans({ id, state, json, all }: Asked): string {
  const path = join(state, 'ledger.sqlite');
  const ledger = existsSync(path) ? new Ledger(path) : null;
  const found = ledger?.plans(id) ?? [];
  ledger?.close();
  if (found.length === 0) throw new NotThereError(`${id}: there is no plan of this audit.`);
  const shown = all ? found : found.slice(0, 1);
  if (json) return JSON.stringify(shown, null, 2);
  return shown.map((one) => `${one.state}\n${planText(one.plan)}`).join('\n\n');
}

async function main(): Promise<void> {
  const asked = readArguments();
  if (asked === null) return void process.stdout.write(usage);
  if (asked.command === 'plan') return void process.stdout.write(`${plans(asked)}\n`);
  const path = join(asked.state, 'log.sqlite');
  if (!existsSync(path)) throw new NotThereError(`${path}: there is no log. Start the demo, or say --state.`);
  const store = await openLog({ path });
  // The view of this process is its own, and goes with it.
  const stateDirectory = mkdtempSync(join(tmpdir(), 'audits-'));
  @Module({
    imports: [
      JobOwnershipModule.forRoot({
        service: { name: 'audits', host: 'terminal' },
        role: 'web-only',
        stateDirectory,
        store: { kind: 'adapter', store },
        publishFacts: false,
      }),
    ],
    providers: [AuditDesk],
  })
  class CliModule {}
  const app = await NestFactory.createApplicationContext(CliModule, { logger: false, abortOnError: false });
  try {
    const head = await store.head();
    if (head !== 'start') await app.get(HoldfastService).readModel.waitFor(head, 30_000);
    process.stdout.write(`${await answer(asked, app.get(AuditDesk), app.get(Queries))}\n`);
  } finally {
    await app.close();
    await store.close();
    rmSync(stateDirectory, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.exitCode = error instanceof UsageError ? 2 : 1;
  process.stderr.write(`${told(error)}\n`);
});

function told(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`;
  if (error instanceof CommandRefusedError)
    return error.refusals.map((r) => `${r.field} = ${r.value}: ${r.rule} ${r.remedy}`).join('\n');
  const expected = [
    NotThereError,
    CommandUnavailableError,
    OutcomeUnknownError,
    StoreUnavailableError,
    StoreUnusableError,
  ];
  if (expected.some((kind) => error instanceof kind)) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
