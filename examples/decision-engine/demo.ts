import 'reflect-metadata';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ConsoleLogger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventBus } from '@nestjs/cqrs';
import {
  CommandRefusedError,
  ConnectionStringError,
  EventStoreDbConnection,
  JobOwnershipModule,
  Jobs,
  Queries,
  StoreUnavailableError,
  StoreUnusableError,
  type Fact,
} from 'holdfast';
import { Audit } from './audit';
import { readAudits, type AuditDefinition } from './audits';
import { Display } from './display';
import { Engines } from './engines';
import { faults, type Fault } from './faults';
import { judge, type KillReport } from './judge';
import { freshNamespace, openLog, type Log } from './log';
import { claimStateFolder, StateFolderError } from './state-folder';
import { Story } from './story';

const usage = `Usage: npm run demo -- [options]

Three decision engines share a dozen audits; one of them is killed in mid-run; its audits go on elsewhere.

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

const hosts = ['host-a', 'host-b', 'host-c'] as const;
const victimAudit = 'audit-long-home-c';

/** Ctrl-C was pressed: what the story was waiting for does not matter any more. */
let interrupted = false;

interface Options {
  readonly once: boolean;
  readonly state: string;
  readonly log: Log;
  readonly profile: 'default' | 'tuned';
  readonly fault: Fault;
}

function readOptions(): Options {
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

/** Nest's warnings and errors; what keeps the demo from starting is told once, in words, by `main`. */
class Warnings extends ConsoleLogger {
  constructor() {
    super({ logLevels: ['error', 'warn'], colors: process.stdout.isTTY && !process.env.NO_COLOR });
  }
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) !== 'ExceptionHandler') super.error(message, ...(rest as [string?, string?]));
  }
}

async function main(): Promise<void> {
  const options = readOptions();
  const { state, log, profile, fault, once } = options;
  const display = new Display();
  const audits = readAudits(join(__dirname, '../../../examples/decision-engine/audits.json'));
  const story = new Story(display, audits);
  const store = await openLog(log);

  @Module({
    imports: [
      JobOwnershipModule.forRoot({
        service: { name: 'demo', host: 'terminal' },
        role: 'web-only',
        stateDirectory: state,
        store: { kind: 'adapter', store },
        liveness: profile,
      }),
    ],
  })
  class DemoModule {}
  const app = await NestFactory.createApplicationContext(DemoModule, {
    logger: new Warnings(),
    abortOnError: false,
  });
  app.get(EventBus).subscribe((fact) => story.tell(fact as unknown as Fact));

  const engines = new Engines({
    state,
    log,
    profile,
    fault,
    onSilences: (observer, silences) => story.silences(observer, silences),
    onExit: (host, how) => display.line('dim', `engine@${host}`, `process ended: ${how}`),
  });

  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      display.line(
        'yellow',
        'stop',
        `draining ${engines.running.length} engines: each hands over or finishes within 10 s`,
      );
      const late = await engines.stop(10_000);
      await story.settled(1_000);
      for (const host of late) display.line('red', `engine@${host}`, 'did not stop within its bound and was killed');
      if (late.length === 0) display.line('green', 'stop', 'every engine has handed over or finished');
      await app.close();
      await store.close();
    })());
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupted) return;
      interrupted = true;
      story.giveUp();
      void stop().then(() => process.exit(once ? 1 : 0));
    });
  }

  if ('path' in log) display.plain(`State: ${state} (log.sqlite, ledger.sqlite, findings.log, one log per engine)`);
  else {
    display.plain(`Log: ${EventStoreDbConnection.parse(log.connection).shown}, streams ${log.namespace}.…`);
    display.plain(`State: ${state} (ledger.sqlite, findings.log, one log per engine)`);
  }
  for (const host of hosts) engines.start(host);
  await story.until('three engines registered', () => story.registered.size >= hosts.length);
  await schedule(app.get(Jobs), audits, display, story);
  await releaseQuarantined(app.get(Queries), app.get(Jobs), display);
  await story.until('an owner for every audit that fits', () => story.everyoneOwned(), 30_000);
  await showUnowned(app.get(Queries), display);

  if (interrupted) return;
  const kill = await killInMidRun(story, engines, display, fault);
  if (kill === null) {
    if (interrupted) return;
    display.line('red', 'story', `${victimAudit} does not run, so nobody was killed in the middle of it`);
    if (!once) return display.plain('Ctrl-C drains and ends.');
    await stop();
    process.exitCode = 1;
    return;
  }
  const died = kill.report.signal !== null;
  if (!died) display.line('red', kill.report.serviceId, 'is still there: the kill killed nothing');
  if (died)
    await story.until('the first run elsewhere', () => story.firstRunElsewhere !== null, once ? 30_000 : undefined);
  story.showSteps();
  if (!interrupted && died) {
    engines.start(kill.host);
    await story.until('the return of the killed one', () => story.returned, once ? 30_000 : undefined);
    display.line(
      'green',
      kill.report.serviceId,
      'is back under a new incarnation; what prefers it comes home when it has stayed for 3 s',
    );
  }

  if (!once) {
    display.plain('Ctrl-C drains and ends.');
    return;
  }
  await story.pass(died ? 8_000 : 1_000);
  await stop();
  const { report } = kill;
  const wrong = await judge(
    { log, ledger: join(state, 'ledger.sqlite') },
    audits,
    hosts.map((h) => `engine@${h}`),
    report,
  );
  for (const words of wrong) display.line('red', 'judge', words);
  if (wrong.length === 0)
    display.line(
      'green',
      'judge',
      'from the raw log and the ledger: every audit ran on, on rightful owners, no attempt twice; all invariants hold',
    );
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

async function schedule(jobs: Jobs, audits: readonly AuditDefinition[], display: Display, story: Story): Promise<void> {
  let added = 0;
  for (const audit of audits) {
    const { id, schedule: when, tag, affinity, payload } = audit;
    try {
      const result = await jobs.schedule(Audit, payload, { id, schedule: when, tag, affinity });
      if (result.added > 0) added++;
    } catch (error) {
      // A `once` of an earlier start has run and is over: it is not begun anew.
      if (!(error instanceof CommandRefusedError) || error.code !== 'job-terminal') throw error;
      story.isOver(id);
    }
  }
  display.line(
    'blue',
    'schedule',
    `${audits.length} audits from audits.json: ${added} new, ${audits.length - added} were there already`,
  );
}

/** Every start kills an engine in the middle of the same audit: three starts within the hour may have quarantined it. */
async function releaseQuarantined(queries: Queries, jobs: Jobs, display: Display): Promise<void> {
  const { rows } = await queries.jobs({ status: ['quarantined'], limit: 100 });
  for (const { jobId } of rows) {
    display.line(
      'yellow',
      jobId,
      'is quarantined since earlier starts: its owners died in it; released, as an operator',
    );
    await jobs.releaseFromQuarantine(jobId, { reason: 'the demo begins anew' });
  }
}

/** What nobody owns stays visible, and the reason is in the tag. */
async function showUnowned(queries: Queries, display: Display): Promise<void> {
  const { rows } = await queries.jobs({ status: ['unbound'], limit: 100 });
  for (const { jobId, tag } of rows) {
    const pairs = Object.entries(tag).map(([key, value]) => `${key}=${value}`);
    display.line(
      'yellow',
      jobId,
      `nobody owns it: no engine has the label ${pairs.join(', ')}; it waits, and is never run`,
    );
  }
}

/** Waits until the long audit is well inside its run, and kills its owner: a real SIGKILL (or, by fault, nobody). */
async function killInMidRun(
  story: Story,
  engines: Engines,
  display: Display,
  fault: Fault,
): Promise<{ readonly host: string; readonly report: KillReport } | null> {
  await story.until('every audit that fits has run once', () => story.everyoneRan(), 60_000);
  if (interrupted) return null;
  const run = await story.nextRunOf(victimAudit, 60_000);
  if (run === null || interrupted) return null;
  await story.pass(1_000);
  if (interrupted) return null;
  const host = run.serviceId.slice('engine@'.length);
  display.line(
    'red',
    run.serviceId,
    `SIGKILL, in the middle of ${victimAudit} (slot ${run.slot}, attempt ${run.attempt})`,
  );
  const at = Date.now();
  story.killed(run.serviceId, run.incarnation, at, victimAudit);
  const signal = await engines.kill(host, fault === 'idle-kill' ? 0 : 'SIGKILL');
  return { host, report: { serviceId: run.serviceId, incarnation: run.incarnation, at, signal, job: victimAudit } };
}

main().catch((error: unknown) => {
  if (interrupted) return;
  // A log that cannot be used says itself what to do; anything else is a defect, and where it is matters.
  const told = error instanceof StoreUnusableError || error instanceof StoreUnavailableError;
  process.stderr.write(
    `${error instanceof Error ? (told ? error.message : (error.stack ?? error.message)) : String(error)}\n`,
  );
  process.exit(1);
});
