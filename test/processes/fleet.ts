import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { HoldfastOptions } from 'holdfast';

/** What a service process is told. */
export interface ServiceOrders {
  readonly name: string;
  readonly connection: string;
  readonly namespace: string;
  readonly stateDirectory: string;
  readonly liveness: HoldfastOptions['liveness'];
}

interface Run {
  readonly jobId: string;
  readonly slot: string;
  readonly attempt: number;
}

/** What it says. */
export type Said =
  | ({ readonly kind: 'run' | 'done' | 'aborted' } & Run)
  | { readonly kind: 'fence'; readonly reason: string }
  | { readonly kind: 'trust'; readonly returned: boolean }
  | { readonly kind: 'ready' | 'not-ready' };

interface Member {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  ready: boolean;
}

/** Services as processes of their own on one log, and what they say. */
export class Fleet {
  private readonly members = new Map<string, Member>();

  /** @param program the compiled `service.ts` that lies beside this file. */
  constructor(
    private readonly program: string,
    private readonly orders: Omit<ServiceOrders, 'name'>,
    private readonly on: (name: string, said: Said) => void,
  ) {}

  start(name: string): void {
    const orders: ServiceOrders = { ...this.orders, name };
    const child = fork(this.program, {
      // In the environment: the connection string may hold a password.
      env: { ...process.env, HOLDFAST_ORDERS: JSON.stringify(orders) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const log = createWriteStream(join(this.orders.stateDirectory, `${name}.log`), { flags: 'a' });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const member: Member = { child, ended, ready: false };
    child.on('message', (said: Said) => {
      if (said.kind === 'ready' || said.kind === 'not-ready') member.ready = said.kind === 'ready';
      this.on(name, said);
    });
    void ended.then(() => {
      if (this.members.get(name) === member) this.members.delete(name);
    });
    this.members.set(name, member);
  }

  get running(): string[] {
    return [...this.members.keys()];
  }

  /** All that run may claim. */
  get ready(): boolean {
    return [...this.members.values()].every(({ ready }) => ready);
  }

  async kill(name: string): Promise<void> {
    const member = this.members.get(name);
    member?.child.kill('SIGKILL');
    await member?.ended;
  }

  /** Asks all to drain and end; kills who has not within `boundMs`. */
  async close(boundMs = 15_000): Promise<void> {
    await Promise.all(
      [...this.members.values()].map(async ({ child, ended }) => {
        const patience = setTimeout(() => child.kill('SIGKILL'), boundMs);
        if (child.connected) child.send({ close: true });
        await ended;
        clearTimeout(patience);
      }),
    );
  }
}
