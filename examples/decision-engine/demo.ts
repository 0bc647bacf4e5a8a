import 'reflect-metadata';
import { join } from 'node:path';
import { ConsoleLogger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EventBus } from '@nestjs/cqrs';
import {
  EventStoreDbConnection,
  JobOwnershipModule,
  Jobs,
  Queries,
  StoreUnavailableError,
  StoreUnusableError,
  type Fact,
} from 'holdfast';
import * as acts from './acts';
import { AuditDesk } from './audit-desk';
import { auditTable } from './audit-table';
import { parts, readAudits } from './audits';
import { exampleFile } from './cluster/read-cluster';
import { readOptions } from './demo-options';
import { Display } from './display';
import { Engines } from './engines';
import { judge } from './judge';
import { Ledger } from './ledger';
import { openLog } from './log';
import { planText } from './strategies';
import { Story } from './story';

const hosts = ['host-a', 'host-b', 'host-c'] as const;

/** Set by Ctrl-C: what the story was waiting for does not matter any more. */
let interrupted = false;

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
  const audits = readAudits(exampleFile('audits.json'));
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
    providers: [AuditDesk],
  })
  class DemoModule {}
  const app = await NestFactory.createApplicationContext(DemoModule, {
    logger: new Warnings(),
    abortOnError: false,
  });
  app.get(EventBus).subscribe((fact) => story.tell(fact as unknown as Fact));
  const desk = app.get(AuditDesk);
  const stage = { desk, jobs: app.get(Jobs), queries: app.get(Queries), display, story };

  const engines = new Engines({
    state,
    log,
    profile,
    fault,
    onSilences: (observer, silences) => story.silences(observer, silences),
    onExit: (host, how) => display.line('dim', `engine@${host}`, `process ended: ${how}`),
  });

  const showResults = async (): Promise<void> => {
    display.plain(`\n${auditTable(await desk.list(), Date.now())}\n`);
    const ledger = new Ledger(join(state, 'ledger.sqlite'));
    const [newest] = ledger.plans('audit-consolidation');
    ledger.close();
    if (newest !== undefined) display.plain(`${planText(newest.plan)}\n`);
  };
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
      if (once && !interrupted) await showResults();
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

  if ('path' in log) display.plain(`State: ${state} (log.sqlite, ledger.sqlite, plans.log, one log per engine)`);
  else {
    display.plain(`Log: ${EventStoreDbConnection.parse(log.connection).shown}, streams ${log.namespace}.…`);
    display.plain(`State: ${state} (ledger.sqlite, plans.log, one log per engine)`);
  }
  for (const host of hosts) engines.start(host);
  await story.until('three engines registered', () => story.registered.size >= hosts.length);
  await acts.handIn(stage, audits);
  await acts.releaseQuarantined(stage);
  await acts.resumeLeftOver(stage);
  await story.until('an owner for every audit that fits', () => story.everyoneOwned(), 30_000);
  await acts.showUnowned(stage);
  await story.until('every audit that fits has run once', () => story.everyoneRan(), 60_000);
  await acts.beforeTheKill(stage);

  if (interrupted) return;
  const kill = await acts.killInMidRun(stage, engines, fault);
  if (kill === null) {
    if (interrupted) return;
    display.line('red', 'story', `${parts.victim} does not run, so nobody was killed in the middle of it`);
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
  if (died) {
    const victim = kill.report.serviceId;
    const elsewhere = () => ![null, victim].includes(story.ownerOf(parts.suspended));
    await story.until('another owner of the suspended audit', elsewhere, once ? 15_000 : undefined);
  }
  await acts.afterTheKill(stage);
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
  await story.until('the end of the window', () => story.hasEnded(parts.ending), 30_000);
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

main().catch((error: unknown) => {
  if (interrupted) return;
  // A log that cannot be used says itself what to do; anything else is a defect, and where it is matters.
  const told = error instanceof StoreUnusableError || error instanceof StoreUnavailableError;
  process.stderr.write(
    `${error instanceof Error ? (told ? error.message : (error.stack ?? error.message)) : String(error)}\n`,
  );
  process.exit(1);
});
