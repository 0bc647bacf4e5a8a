import 'reflect-metadata';
import { ConsoleLogger, Logger as NestLogger, Module, type INestApplication } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { Command, InvalidArgumentError, Option } from 'commander';
import { HealthController } from './http';
import { JobOwnershipModule } from './module';
import type { LivenessProfile } from './membership';
import { HoldfastService, OptionsRefusedError, resolveOptions, type HoldfastOptions } from './runtime';
import { StoreUnusableError } from './event-store';

/** What the stand-alone service reads from flags and environment. */
interface Flags {
  readonly name: string;
  readonly host?: string;
  readonly ephemeralHost: 'yes' | 'no';
  readonly id?: string;
  readonly state: string;
  readonly log?: string;
  readonly store?: string;
  readonly namespace: string;
  readonly role: 'worker' | 'web-only';
  readonly liveness: LivenessProfile;
  readonly label: Readonly<Record<string, string>>;
  readonly concurrency: number;
  readonly drainTimeout: number;
  readonly port: number;
  readonly listen: string;
}

function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text.trim()) || value < min || value > max)
      throw new InvalidArgumentError(`A whole number from ${min} to ${max}.`);
    return value;
  };
}

function label(text: string, former: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const pairs = text.split(',').map((pair) => {
    const cut = pair.indexOf('=');
    if (cut < 1) throw new InvalidArgumentError('Labels are key=value, several of them separated by commas.');
    return [pair.slice(0, cut).trim(), pair.slice(cut + 1).trim()] as const;
  });
  return { ...former, ...Object.fromEntries(pairs) };
}

function readFlags(argv: readonly string[]): Flags {
  const env = (flag: string, words: string, name: string) => new Option(flag, words).env(name);
  return new Command('holdfast-service')
    .description('One stand-alone service: it owns and runs jobs, and says on HTTP how it is.')
    .addOption(env('--name <name>', 'kind of service (label name)', 'HOLDFAST_NAME').default('holdfast'))
    .addOption(env('--host <host>', 'label host; default: the host name of the machine', 'HOLDFAST_HOST'))
    .addOption(
      env(
        '--ephemeral-host <yes|no>',
        'the host does not come back under its name: warn of jobs that are tagged with it',
        'HOLDFAST_EPHEMERAL_HOST',
      )
        .choices(['yes', 'no'])
        .default('no'),
    )
    .addOption(env('--id <id>', 'service id; default: name@host', 'HOLDFAST_ID'))
    .addOption(env('--state <dir>', 'folder of the log and the view', 'HOLDFAST_STATE').default('.holdfast'))
    .addOption(env('--log <file>', 'the embedded log; default: log.sqlite in the state folder', 'HOLDFAST_LOG'))
    .addOption(
      env(
        '--store <url>',
        'a log in EventStoreDB instead: esdb://user:password@host:2113 (rather in the environment, where no process list shows it)',
        'HOLDFAST_EVENTSTOREDB_URL',
      ),
    )
    .addOption(
      env(
        '--namespace <prefix>',
        'lets several systems share one server, or one log file',
        'HOLDFAST_NAMESPACE',
      ).default(''),
    )
    .addOption(
      env('--role <role>', 'worker or web-only', 'HOLDFAST_ROLE').choices(['worker', 'web-only']).default('worker'),
    )
    .addOption(
      env('--liveness <profile>', 'how fast silence is noticed', 'HOLDFAST_LIVENESS')
        .choices(['default', 'tuned', 'cluster'])
        .default('default'),
    )
    .addOption(
      env('--label <key=value>', 'label of the service; may be given several times', 'HOLDFAST_LABELS')
        .argParser(label)
        .default({}),
    )
    .addOption(
      env('--concurrency <n>', 'runs at the same time', 'HOLDFAST_CONCURRENCY')
        .argParser(wholeNumber(1, 100_000))
        .default(50),
    )
    .addOption(
      env('--drain-timeout <ms>', 'how long a stop waits for running jobs', 'HOLDFAST_DRAIN_TIMEOUT_MS')
        .argParser(wholeNumber(0, 86_400_000))
        .default(10_000),
    )
    .addOption(
      env('--port <port>', 'HTTP port; 0: any free one', 'PORT').argParser(wholeNumber(0, 65_535)).default(3_000),
    )
    .addOption(env('--listen <address>', 'address to listen on', 'HOLDFAST_LISTEN').default('127.0.0.1'))
    .addHelpText('after', '\nEvery flag can be set in the environment. GET /health/live, GET /health/ready.\n')
    .parse(argv as string[])
    .opts<Flags>();
}

/** The HTTP server. Only the stand-alone service needs one, so a host that embeds Holdfast need not install it. */
async function httpAdapter(): Promise<AbstractHttpAdapter> {
  try {
    const { ExpressAdapter } = await import('@nestjs/platform-express');
    return new ExpressAdapter();
  } catch (cause) {
    const code = (cause as { code?: unknown }).code;
    if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    process.stderr.write(
      'The stand-alone service needs @nestjs/platform-express (^11.0.0 || ^12.0.0, of the same major version as @nestjs/core), which is not installed. ' +
        'Install it with `npm install @nestjs/platform-express`.\n',
    );
    process.exit(1);
  }
}

/** One line per fact, for machines. What keeps the service from starting is told once, in words, by `main` itself. */
class LinesOfJson extends ConsoleLogger {
  constructor() {
    super({ json: true, colors: false, logLevels: ['log', 'warn', 'error', 'fatal'] });
  }
  override error(message: unknown, ...rest: unknown[]): void {
    if (rest.at(-1) !== 'ExceptionHandler') super.error(message, ...(rest as [string?, string?]));
  }
}

/** What went wrong, in words; a stack only for a mistake of this program. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  if (code === 'EADDRINUSE')
    return `${error.message}. Stop whatever listens there, or choose another --port (0: any free one).`;
  if (error instanceof StoreUnusableError || error.name === 'ViewLockedError') return error.message;
  if (typeof code === 'string') return error.message;
  return error.stack ?? error.message;
}

async function main(): Promise<void> {
  const flags = readFlags(process.argv);
  const log = new NestLogger('Holdfast');
  const options: HoldfastOptions = {
    service: {
      ...{ name: flags.name, host: flags.host, id: flags.id, labels: flags.label },
      ephemeralHost: flags.ephemeralHost === 'yes',
    },
    store:
      flags.store === undefined
        ? { kind: 'embedded', path: flags.log }
        : { kind: 'eventstoredb', connection: flags.store },
    stateDirectory: flags.state,
    namespace: flags.namespace,
    role: flags.role,
    liveness: flags.liveness,
    capacity: { maxConcurrentRuns: flags.concurrency },
    drainTimeoutMs: flags.drainTimeout,
  };
  if (flags.store !== undefined && flags.log !== undefined) {
    process.stderr.write(
      '--log and --store (HOLDFAST_LOG and HOLDFAST_EVENTSTOREDB_URL): the log is in one place. Give one of them.\n',
    );
    process.exit(2);
  }
  try {
    resolveOptions(options);
  } catch (error) {
    if (!(error instanceof OptionsRefusedError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }

  @Module({ imports: [JobOwnershipModule.forRoot(options)], controllers: [HealthController] })
  class StandAloneModule {}

  const app = await NestFactory.create(StandAloneModule, await httpAdapter(), {
    abortOnError: false,
    logger: new LinesOfJson(),
  });
  app.enableShutdownHooks();
  await app.listen(flags.port, flags.listen);
  log.log({ fact: 'service.listening', url: await app.getUrl() });
  void endWhenUnusable(app);
}

/** A server that refuses is not one that is away: whoever has started this process should see it end, and read why. */
async function endWhenUnusable(app: INestApplication): Promise<void> {
  const { message } = await app.get(HoldfastService).whenUnusable();
  await app.close().catch(() => undefined);
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

main().catch((error: unknown) => {
  process.stderr.write(`${inWords(error)}\n`);
  process.exit(1);
});
