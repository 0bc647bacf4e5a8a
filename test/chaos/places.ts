import { join } from 'node:path';
import { Member, type Ended } from '../processes/member';
import { monoNow } from './diary';
import type { ServiceOrders, ServiceSaid, ServiceTold } from './service-orders';

/** Compiled, it lies beside this file. */
const program = join(__dirname, 'service.js');
/** A service that has been ready for so long is met in the midst of its work, and not in its start. */
const STEADY_MS = 1_000;

/** One process of a service. */
export class Process {
  ready = false;
  /** Another living process bears its id. */
  conflict = false;
  private readySince = Infinity;
  private readonly member: Member<ServiceOrders, ServiceSaid>;

  constructor(readonly orders: ServiceOrders) {
    const output = join(orders.directory, `${encodeURIComponent(orders.serviceId)}.out`);
    this.member = new Member(program, orders, output, ({ kind }) => {
      if (kind === 'conflict') this.conflict = true;
      else this.turn(kind === 'ready');
    });
    void this.member.ended.then(() => this.turn(false));
  }

  get pid(): number {
    return this.member.pid;
  }

  get over(): Ended | null {
    return this.member.over;
  }

  get ended(): Promise<Ended> {
    return this.member.ended;
  }

  get steady(): boolean {
    return this.ready && monoNow() - this.readySince > STEADY_MS;
  }

  /** It must show anew that it is steady. */
  shake(): void {
    if (this.ready) this.readySince = monoNow();
  }

  signal(signal: NodeJS.Signals): void {
    this.member.signal(signal);
  }

  tell(told: ServiceTold): void {
    this.member.send(told);
  }

  async kill(): Promise<void> {
    await this.member.kill();
  }

  private turn(ready: boolean): void {
    this.ready = ready;
    this.readySince = ready ? monoNow() : Infinity;
  }
}

/** Where one service stands. Its process comes and goes; so may its id. */
export class Place {
  /** A fault is under way here. */
  struck = false;
  current: Process;
  private ids = 1;

  constructor(
    readonly host: string,
    private readonly orders: Omit<ServiceOrders, 'serviceId' | 'host'>,
  ) {
    this.current = this.another();
  }

  /** A process of this place's id; it does not take the place by itself. */
  another(): Process {
    const name = this.ids === 1 ? 'chaos' : `chaos-${this.ids}`;
    return new Process({ ...this.orders, host: this.host, serviceId: `${name}@${this.host}` });
  }

  startAgain(underNewId: boolean): void {
    if (underNewId) this.ids++;
    this.current = this.another();
  }

  get steady(): boolean {
    return !this.struck && this.current.steady;
  }
}
