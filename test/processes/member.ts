import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One process that is told what it is by HOLDFAST_ORDERS and says what happens to it. What it prints goes to a file. */
export class Member<Orders, Said> {
  readonly ended: Promise<Ended>;
  over: Ended | null = null;
  private readonly child: ChildProcess;

  /** @param program compiled */
  constructor(program: string, orders: Orders, output: string, on: (said: Said) => void) {
    this.child = fork(program, {
      // In the environment: orders may hold a password.
      env: { ...process.env, HOLDFAST_ORDERS: JSON.stringify(orders) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const log = createWriteStream(output, { flags: 'a' });
    this.child.stdout?.pipe(log);
    this.child.stderr?.pipe(log);
    this.child.on('message', (said) => on(said as Said));
    // Its channel may break while something is sent: how it ended tells enough.
    this.child.on('error', () => undefined);
    this.ended = new Promise((resolve) =>
      this.child.once('exit', (code, signal) => resolve((this.over = { code, signal }))),
    );
  }

  get pid(): number {
    return this.child.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.over === null) this.child.kill(signal);
  }

  send(message: object): void {
    if (this.child.connected) this.child.send(message, () => undefined);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }
}

/** What a member was told. */
export function ordersOfThisProcess<Orders>(): Orders {
  return JSON.parse(process.env.HOLDFAST_ORDERS ?? '{}') as Orders;
}
