import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '../../src/clock';
import type { Readiness } from '../../src';

const built = join(__dirname, '../../dist/main.js');
const clock = new SystemClock();

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A stand-alone service as it is started: what `npm run build` has made of it. */
export class ServiceProcess {
  out = '';
  err = '';
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private over = false;

  constructor(flags: readonly string[], env: Readonly<Record<string, string>> = {}) {
    if (!existsSync(built)) throw new Error('dist/main.js is missing: run `npm run build` first (`npm test` does).');
    const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HOLDFAST_|PORT$)/.test(name)));
    this.child = spawn(process.execPath, [built, ...flags], {
      env: { ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout!.on('data', (text) => (this.out += String(text)));
    this.child.stderr!.on('data', (text) => (this.err += String(text)));
    this.ended = new Promise((resolve) =>
      this.child.on('close', (code, signal) => {
        this.over = true;
        resolve({ code, signal });
      }),
    );
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** What was printed, line by line; each must be JSON. */
  lines(): readonly { readonly level: string; readonly message: unknown }[] {
    const whole = this.out.slice(0, this.out.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { level: string; message: unknown });
  }

  fact(name: string): Readonly<Record<string, unknown>> | undefined {
    return this.lines()
      .map(({ message }) => message as Readonly<Record<string, unknown>>)
      .find((message) => typeof message === 'object' && message !== null && message.fact === name);
  }

  async listening(): Promise<string> {
    await this.until('it to listen', () => this.fact('service.listening') !== undefined);
    return String(this.fact('service.listening')!.url);
  }

  async get<Body = Readiness>(path: string): Promise<{ readonly status: number; readonly body: Body }> {
    const response = await fetch(`${await this.listening()}${path}`);
    return { status: response.status, body: (await response.json()) as Body };
  }

  /** Asks `/health/ready` until the answer is what is waited for. */
  async readiness(what: string, wanted: (status: number, body: Readiness) => boolean): Promise<Readiness> {
    const end = clock.monotonic() + 15_000;
    for (;;) {
      const { status, body } = await this.get('/health/ready');
      if (wanted(status, body)) return body;
      if (clock.monotonic() > end) throw new Error(`waited in vain for ${what}: ${status} ${JSON.stringify(body)}`);
      await clock.sleep(20);
    }
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const end = clock.monotonic() + 15_000;
    while (!condition()) {
      if (this.over || clock.monotonic() > end)
        throw new Error(`waited in vain for ${what}.\n${this.out}\n${this.err}`);
      await clock.sleep(20);
    }
  }

  /** Sends the signal; how it ended, and how long that took, ms. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended & { readonly took: number }> {
    const began = clock.monotonic();
    this.child.kill(signal);
    const ended = await this.ended;
    return { ...ended, took: clock.monotonic() - began };
  }

  /** Whatever state it is in. */
  async end(): Promise<void> {
    if (!this.over) this.child.kill('SIGKILL');
    await this.ended;
  }
}
