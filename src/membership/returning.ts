import type { Clock } from '../clock';
import { ReassertServiceCommand, serviceStream } from '../commands';
import { decode } from '../domain/codec';
import type { EventStore } from '../event-store';
import type { Logger } from '../logging';
import { answer, type MembershipCommands } from './facts';
import { readClocks, type Reading } from './reading';
import type { OwnTrust } from './trust';

export interface ReturningPorts {
  readonly store: EventStore;
  readonly commands: MembershipCommands;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly trust: OwnTrust;
  /** The registered incarnation that has not ended, as the log was heard so far. */
  readonly live: () => string | null;
}

/**
 * How an incarnation comes back to trust itself (protocol 5.2): from an expired trust by ServiceReasserted, from doubt about the wall clock by a
 * beat and a leader read. An acknowledged beat is the occasion for either: the log answers.
 */
export class Returning {
  private reasserting = false;
  private looking = false;

  constructor(
    private readonly ports: ReturningPorts,
    private readonly options: {
      readonly serviceId: string;
      readonly namespace: string;
      readonly selfFenceAfterMs: number;
    },
    private readonly onReturned: (incarnation: string, fencedForMs: number) => void,
  ) {}

  /** A beat of the living incarnation that began at `start` was acknowledged now. */
  beatAcknowledged(incarnation: string, start: Reading): void {
    const { trust } = this.ports;
    trust.renew(start);
    const state = trust.check();
    if (state === 'trust-expired') return void this.reassert(incarnation);
    const { doubt } = trust;
    if (state === 'clock-jump' && doubt !== null && start.monotonic > doubt.monotonic) {
      void this.settle(incarnation, doubt);
    }
  }

  /** At the exact revision of the own stream: it lands only if nobody has judged this incarnation. */
  private async reassert(incarnation: string): Promise<void> {
    if (this.reasserting) return;
    this.reasserting = true;
    try {
      const { clock, commands, trust, live } = this.ports;
      const { serviceId, selfFenceAfterMs } = this.options;
      const fencedForMs = Math.round(trust.fencedForMs());
      const start = readClocks(clock);
      const command = new ReassertServiceCommand({ serviceId, incarnation, fencedForMs });
      const mayAppend = () => live() === incarnation && trust.check() === 'trust-expired';
      const result = await answer(commands.execute(command, { timeoutMs: selfFenceAfterMs, mayAppend }));
      if (result.kind !== 'appended' || live() !== incarnation) return;
      if (trust.reassert(start)) this.onReturned(incarnation, fencedForMs);
    } finally {
      this.reasserting = false;
    }
  }

  private async settle(incarnation: string, doubt: Reading): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      if (await this.ended(incarnation)) return;
      if (this.ports.live() !== incarnation) return;
      this.ports.trust.settleDoubt(doubt);
      this.ports.logger.warn('clock.jump-settled', { incarnation });
    } catch (error) {
      this.ports.logger.debug('clock.jump-not-settled', { error: String(error) });
    } finally {
      this.looking = false;
    }
  }

  /** A leader read of the own stream, back to the registration. */
  private async ended(incarnation: string): Promise<boolean> {
    const { serviceId, namespace } = this.options;
    const stream = serviceStream(namespace, serviceId);
    for (let from: number | undefined; ;) {
      const { events } = await this.ports.store.readStream(stream, { direction: 'backwards', limit: 100, from });
      for (const { type, data, metadata } of events) {
        const event = decode(type, data, metadata);
        // What cannot be read may be the end of this incarnation.
        if (event.type === '$unreadable') return true;
        if (!('incarnation' in event.data) || event.data.incarnation !== incarnation) continue;
        if (event.type === 'ServiceMarkedFailed' || event.type === 'ServiceStopped') return true;
        if (event.type === 'ServiceRegistered') return false;
      }
      const oldest = events.at(-1);
      if (oldest === undefined || oldest.revision === 0) return true;
      from = oldest.revision - 1;
    }
  }
}
