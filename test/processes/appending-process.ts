import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Acknowledged {
  readonly stream: string;
  readonly expected: number | 'no_stream';
  readonly id: string;
  readonly revision: number;
  readonly position: bigint;
}

/** A process that appends, and what it said was acknowledged. */
export class AppendingProcess {
  readonly acknowledged: Acknowledged[] = [];
  ready = false;
  private readonly child: ChildProcess;
  private readonly over: Promise<unknown>;

  /** @param program the compiled `appender.ts` that lies beside this file */
  constructor(program: string, path: string, name: string, count?: number) {
    if (!existsSync(program)) throw new Error(`${program} is missing: run "npm run build:all" first.`);
    const args = count === undefined ? [path, name] : [path, name, String(count)];
    this.child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: this.child.stdout! });
    this.over = Promise.all([once(this.child, 'exit'), once(lines, 'close')]);
    lines.on('line', (line) => {
      const [stream, expected, id, revision, position] = line.split(' ');
      if (stream === 'ready') this.ready = true;
      // The kill may cut the last line off; what is half said was not said.
      if (!/^\d+$/.test(position ?? '')) return;
      this.acknowledged.push({
        stream,
        expected: expected === 'no_stream' ? expected : Number(expected),
        id,
        revision: Number(revision),
        position: BigInt(position),
      });
    });
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.over;
  }

  async ended(): Promise<void> {
    await this.over;
    if (this.child.exitCode !== 0) throw new Error(`the appender ended with ${this.child.exitCode}`);
  }
}
