import { join } from 'node:path';
import { Member, type Ended } from '../processes/member';
import { monoNow } from './diary';
import type { ServiceOrders, ServiceSaid, ServiceTold } from './service-orders';

/** Compiled, it lies beside this file. */
const program = join(__dirname, 'service.js');
/** A service that has worked for so long is met in the midst of its work, and not in its start. */
const STEADY_MS = 1_000;

const NOTHING_SAID: ServiceSaid = { mayClaim: false, owned: 0, busy: 0, conflict: false, refused: 0 };

/** One process of a service. */
export class Process {
  private state = NOTHING_SAID;
  private workingSince = Infinity;
  private readonly member: Member<ServiceOrders, ServiceSaid>;

  constructor(readonly orders: ServiceOrders) {
    const output = join(orders.directory, `${encodeURIComponent(orders.serviceId)}.out`);
    this.member = new Member(program, orders, output, (said) => this.turn(said));
    void this.member.ended.then(() => this.turn(NOTHING_SAID));
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

  /** It owns jobs and may claim, and not just since now. */
  get steady(): boolean {
    return monoNow() - this.workingSince > STEADY_MS;
  }

  /** Some handler of it has more than a second to go. */
  get busy(): boolean {
    return this.state.busy > 0;
  }

  /** It has found out that another living process bears its id. */
  get conflict(): boolean {
    return this.state.conflict;
  }

  /** Transactions of it failed for want of room. */
  get wasRefused(): boolean {
    return this.state.refused > 0;
  }

  /** It must show anew that it is steady. */
  shake(): void {
    this.workingSince = Infinity;
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

  private turn(state: ServiceSaid): void {
    this.state = state;
    if (!state.mayClaim || state.owned === 0) this.workingSince = Infinity;
    else if (this.workingSince === Infinity) this.workingSince = monoNow();
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
