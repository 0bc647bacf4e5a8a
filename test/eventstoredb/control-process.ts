import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { clock, until } from './bare';

const running: ControlProcess[] = [];

/** A process with the bare client in it, and what it says. */
export class ControlProcess {
  readonly lines: string[] = [];
  stderr = '';
  exitCode: number | null | undefined;
  private readonly child: ChildProcess;
  private readonly over: Promise<unknown>;

  constructor(script: 'append' | 'two-clients' | 'subscribe', ...args: string[]) {
    this.child = spawn(process.execPath, [join(__dirname, 'controls', `${script}.cjs`), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      this.lines.push(...lines);
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.over = once(this.child, 'close').then(([code]) => (this.exitCode = code as number | null));
    running.push(this);
  }

  says(line: string): Promise<void> {
    return until(
      () => this.lines.some((one) => one.includes(line)) || this.exitCode !== undefined,
      `"${line}" from a process`,
    ).then(() => {
      if (!this.lines.some((one) => one.includes(line))) {
        throw new Error(
          `The process ended (${this.exitCode}) without "${line}": ${this.lines.join('; ')} ${this.stderr}`,
        );
      }
    });
  }

  /** Ends by itself, with this in its last words. */
  async dies(words: string): Promise<void> {
    await until(() => this.exitCode !== undefined, `the end of a process that says ${this.lines.join('; ')}`);
    expect(this.exitCode).toBe(1);
    expect(this.stderr).toContain(words);
  }

  get alive(): boolean {
    return this.exitCode === undefined;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.over;
  }
}

export async function killControlProcesses(): Promise<void> {
  for (const one of running.splice(0)) await one.kill();
}

/** For what shows itself by not happening: long enough for everything else that was asked for to be answered many times over. */
export const lull = (): Promise<void> => clock.sleep(300);
