import { join } from 'node:path';
import type { HoldfastOptions } from 'holdfast';
import { Member } from './member';

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

interface Known {
  readonly member: Member<ServiceOrders, Said>;
  ready: boolean;
}

/** Services as processes of their own on one log, and what they say. */
export class Fleet {
  private readonly members = new Map<string, Known>();

  /** @param program the compiled `service.ts` that lies beside this file. */
  constructor(
    private readonly program: string,
    private readonly orders: Omit<ServiceOrders, 'name'>,
    private readonly on: (name: string, said: Said) => void,
  ) {}

  start(name: string): void {
    const orders: ServiceOrders = { ...this.orders, name };
    const member = new Member<ServiceOrders, Said>(
      this.program,
      orders,
      join(this.orders.stateDirectory, `${name}.log`),
      (said) => {
        if (said.kind === 'ready' || said.kind === 'not-ready') known.ready = said.kind === 'ready';
        this.on(name, said);
      },
    );
    const known: Known = { member, ready: false };
    void member.ended.then(() => {
      if (this.members.get(name) === known) this.members.delete(name);
    });
    this.members.set(name, known);
  }

  get running(): string[] {
    return [...this.members.keys()];
  }

  /** All that run may claim. */
  get ready(): boolean {
    return [...this.members.values()].every(({ ready }) => ready);
  }

  async kill(name: string): Promise<void> {
    await this.members.get(name)?.member.kill();
  }

  /** Asks all to drain and end; kills who has not within `boundMs`. */
  async close(boundMs = 15_000): Promise<void> {
    await Promise.all(
      [...this.members.values()].map(async ({ member }) => {
        const patience = setTimeout(() => member.signal('SIGKILL'), boundMs);
        member.send({ close: true });
        await member.ended;
        clearTimeout(patience);
      }),
    );
  }
}
