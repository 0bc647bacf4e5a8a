import type { Clock } from '../clock';
import type { Logger } from '../logging';
import type { MembershipState } from './membership';

/** How a membership stands, with the words for operators. */
export class Standing {
  private current: { readonly state: MembershipState; readonly detail: string | null } = {
    state: 'idle',
    detail: null,
  };
  private readonly listeners = new Set<() => void>();

  constructor(private readonly ports: { readonly clock: Clock; readonly logger: Logger }) {}

  get state(): MembershipState {
    return this.current.state;
  }
  get detail(): string | null {
    return this.current.detail;
  }

  turn(state: MembershipState, detail: string | null): void {
    if (this.state === state && this.detail === detail) return;
    this.current = { state, detail };
    this.ports.logger.debug('membership.state', { state, detail });
    for (const listener of [...this.listeners]) listener();
  }

  /** Resolves with the first state that is one of these, or with the state after `timeoutMs`. */
  async until(states: readonly MembershipState[], timeoutMs: number): Promise<MembershipState> {
    const over = new AbortController();
    const look = () => {
      if (states.includes(this.state)) over.abort();
    };
    this.listeners.add(look);
    look();
    await this.ports.clock.sleep(timeoutMs, over.signal);
    this.listeners.delete(look);
    return this.state;
  }
}
