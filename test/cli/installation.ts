import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CommandIo } from '../../src/cli/output';
import { run } from '../../src/cli/program';
import { SystemClock } from '../../src/clock';
import { jobType } from '../../src/commands';
import { HoldfastService, resolveOptions } from '../../src/runtime';

/** The command as it is installed: what `npm run build` has made of it. */
const command = join(__dirname, '../../dist/cli/main.js');
const clock = new SystemClock();

export const Report = jobType<{ readonly secret: string }>('report');

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the installed command in a process of its own. */
export async function installed(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  if (!existsSync(command)) throw new Error('dist/cli/main.js is missing: run `npm run build` first.');
  const { HOLDFAST_LOG: _log, HOLDFAST_NAMESPACE: _namespace, ...rest } = process.env;
  const child = spawn(process.execPath, [command, ...args], {
    env: { ...rest, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (err += part.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, err };
}

/** Runs a command line in this process. */
export async function holdfast(args: readonly string[], width?: number): Promise<Ended> {
  let [out, err] = ['', ''];
  const io: CommandIo = {
    out: { write: (part) => Promise.resolve(void (out += part)) },
    err: { write: (part) => Promise.resolve(void (err += part)) },
    interactive: false,
    ...(width !== undefined && { width }),
  };
  return { code: await run(args, io), out, err };
}

/** One folder with one embedded log, and the services that a spec starts on it. */
export class Installation {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
  readonly log = join(this.folder, 'log.sqlite');
  private readonly open: HoldfastService[] = [];

  /** A service `name@host` with the handler `report`. */
  async service(
    name: string,
    run: (payload: unknown) => unknown = () => undefined,
    more: Partial<Parameters<typeof resolveOptions>[0]> = {},
  ): Promise<HoldfastService> {
    const options = resolveOptions({
      service: { name, host: 'host', labels: { zone: name } },
      store: { kind: 'embedded', path: this.log },
      stateDirectory: join(this.folder, 'state'),
      drainTimeoutMs: 500,
      ...more,
    });
    const service = await HoldfastService.open(options, { clock });
    service.handlers.register({ name: 'report', run });
    await service.start();
    this.open.push(service);
    await until(`${name} may claim`, () => service.membership?.mayClaim() ?? false);
    return service;
  }

  /** What lies in the folder of the log. */
  files(): string[] {
    return readdirSync(this.folder).sort();
  }

  async stop(): Promise<void> {
    await Promise.all(this.open.splice(0).map((service) => service.close()));
  }

  async end(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function until(what: string, condition: () => boolean): Promise<void> {
  for (const end = clock.monotonic() + 20_000; !condition();) {
    if (clock.monotonic() > end) throw new Error(`waited in vain for ${what}`);
    await clock.sleep(10);
  }
}

/** Lines of JSON. */
export function objects<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
