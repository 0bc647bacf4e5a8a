import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Fault } from './faults';
import { logToText, type Log } from './log';

export interface Silence {
  readonly serviceId: string;
  readonly silenceMs: number;
  readonly thresholdMs: number;
}

/** The engine processes of the demo: real operating-system processes, each with its log file. */
export class Engines {
  private readonly children = new Map<string, ChildProcess>();

  constructor(
    private readonly options: {
      readonly state: string;
      readonly log: Log;
      readonly profile: 'default' | 'tuned';
      readonly fault: Fault;
      readonly onSilences: (observer: string, silences: readonly Silence[]) => void;
      readonly onExit: (host: string, how: string) => void;
    },
  ) {}

  start(host: string): void {
    const { state, log: where, profile, fault } = this.options;
    const child = fork(join(__dirname, 'engine.js'), {
      env: {
        ...process.env,
        DEMO_STATE: state,
        DEMO_LOG: logToText(where),
        DEMO_HOST: host,
        DEMO_PROFILE: profile,
        DEMO_FAULT: fault,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Ctrl-C in a terminal goes to the whole group: the demo passes it on itself, once.
      detached: true,
    });
    const log = createWriteStream(join(state, `engine-${host}.log`), { flags: 'a' });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    child.on('message', (message: { kind?: string; silences?: Silence[] }) => {
      if (message.kind === 'silences') this.options.onSilences(`engine@${host}`, message.silences ?? []);
    });
    child.on('exit', (code, signal) => {
      if (this.children.get(host) === child) this.children.delete(host);
      this.options.onExit(host, signal ?? `exit ${code}`);
    });
    this.children.set(host, child);
  }

  /** SIGKILL, and how the process ended (null: it did not within five seconds). */
  async kill(host: string, signal: 'SIGKILL' | 0): Promise<string | null> {
    const child = this.children.get(host);
    if (!child) return null;
    const ended = new Promise<string | null>((resolve) => {
      const patience = setTimeout(() => resolve(null), signal === 0 ? 500 : 5_000);
      child.once('exit', (code, by) => {
        clearTimeout(patience);
        resolve(by ?? `exit ${code}`);
      });
    });
    child.kill(signal);
    return ended;
  }

  /** Asks all to stop; SIGKILL for whoever has not within `boundMs`. @returns the hosts that had to be killed. */
  async stop(boundMs: number): Promise<string[]> {
    const late: string[] = [];
    await Promise.all(
      [...this.children].map(
        ([host, child]) =>
          new Promise<void>((resolve) => {
            const patience = setTimeout(() => {
              late.push(host);
              child.kill('SIGKILL');
            }, boundMs);
            child.once('exit', () => {
              clearTimeout(patience);
              resolve();
            });
            child.kill('SIGTERM');
          }),
      ),
    );
    return late;
  }

  get running(): string[] {
    return [...this.children.keys()];
  }
}
