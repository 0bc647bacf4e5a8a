import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Measured } from './case';
import type { RoundAnswer, RoundOrder } from './round';

/** Runs rounds, one after the other; what a round started and left is gone when it has ended, however it ended. */
export class Rounds {
  private current: { readonly child: ChildProcess; readonly directory: string } | null = null;

  /** @param parent the directory in which each round gets one of its own */
  constructor(private readonly parent: string) {}

  /** @throws Error when the case failed, or took longer than `limitSeconds`. */
  async run(order: Omit<RoundOrder, 'directory'>, limitSeconds: number): Promise<Measured> {
    const directory = mkdtempSync(join(this.parent, 'holdfast-bench-'));
    // A group of its own: Ctrl-C in a terminal reaches this process only, which then ends the group.
    const child = fork(join(__dirname, 'round.js'), { detached: true, stdio: ['ignore', 2, 2, 'ipc'] });
    this.current = { child, directory };
    try {
      return await new Promise<Measured>((resolve, reject) => {
        const limit = setTimeout(
          () => reject(new Error(`${order.name}: a round took longer than ${limitSeconds} s`)),
          limitSeconds * 1_000,
        );
        child.on('message', (answer: RoundAnswer) => {
          if ('measured' in answer) resolve(answer.measured);
          else reject(new Error(`${order.name}: ${answer.failed}`));
        });
        child.on('error', reject);
        child.on('exit', (code, signal) => {
          clearTimeout(limit);
          reject(new Error(`${order.name}: the round ended with ${signal ?? `code ${code}`}, without a result`));
        });
        child.send({ ...order, directory } satisfies RoundOrder);
      });
    } finally {
      await this.end();
    }
  }

  /** Ends the round that is going on, with everything that it started, and removes its directory. */
  async end(): Promise<void> {
    if (!this.current) return;
    const { child, directory } = this.current;
    this.current = null;
    const gone =
      child.exitCode !== null || child.signalCode !== null
        ? Promise.resolve()
        : new Promise<void>((resolve) => child.once('exit', () => resolve()));
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch (error) {
      // The group is empty: all have ended.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    if (child.pid !== undefined) await gone;
    // What was killed a moment ago may still be writing.
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
