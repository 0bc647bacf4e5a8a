import type { Origin } from '../codec/origin';
import type { ServiceEvent } from '../service/events';
import type { Candidate } from '../service/state';
import type { Report } from './violation';

/** What the log says of one incarnation, with the positions at which it came to be so. */
export interface IncarnationFacts {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly labels: Candidate['labels'];
  readonly handlers: ReadonlySet<string>;
  readonly registeredPosition: bigint;
  drainPosition: bigint | null;
  end: { readonly kind: 'failed' | 'stopped'; readonly position: bigint } | null;
  confirmedDead: boolean;
}

/** Every service of the log, and the rules of their streams. */
export class ServiceFacts {
  private readonly services = new Map<string, IncarnationFacts[]>();
  private readonly byIncarnation = new Map<string, IncarnationFacts>();
  private readonly unreadable = new Set<string>();
  /** Of the events that were copied, by the log that they are from: where each was there, and where it is here. */
  private readonly copied = new Map<string, { readonly there: bigint; readonly here: bigint }[]>();

  incarnation(id: string): IncarnationFacts | null {
    return this.byIncarnation.get(id) ?? null;
  }

  /** The next event of a service, readable or not. */
  place(here: bigint, origin: Origin | null): void {
    if (origin === null) return;
    const places = this.copied.get(origin.log) ?? [];
    this.copied.set(origin.log, places);
    places.push({ there: origin.position, here });
  }

  /**
   * What a decider had seen, as a position of this log. The view position in a copied event counts in the log that it is from, so it is that of the
   * last event of a service which that view held; nothing else is compared with it.
   */
  view(viewPosition: string, at: { readonly position: bigint; readonly origin?: Origin | null }): bigint {
    const there = BigInt(viewPosition);
    const { origin = null } = at;
    if (origin === null) return there;
    if (there >= origin.position) return at.position;
    const places = this.copied.get(origin.log) ?? [];
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (places[middle].there <= there) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0n : places[low - 1].here;
  }

  /** False when an event of this service could not be read: what is known of it is not the whole. */
  readable(serviceId: string): boolean {
    return !this.unreadable.has(serviceId);
  }

  markUnreadable(serviceId: string): void {
    this.unreadable.add(serviceId);
  }

  check(serviceId: string, event: ServiceEvent, position: bigint, report: Report): void {
    if (event.data.serviceId !== serviceId) {
      report('transition', `${event.type} of service ${event.data.serviceId} stands in the stream of ${serviceId}.`);
      return;
    }
    if (event.type === 'ServiceRegistered') {
      this.register(serviceId, event.data, position, report);
      return;
    }
    const { incarnation } = event.data;
    const one = this.services.get(serviceId)?.find((known) => known.incarnation === incarnation);
    if (one === undefined) {
      if (this.readable(serviceId)) {
        report(
          'transition',
          `${event.type} names incarnation ${incarnation}, which service ${serviceId} never registered.`,
        );
      }
      return;
    }
    this.advance(one, event, position, report);
  }

  private register(
    serviceId: string,
    data: Extract<ServiceEvent, { type: 'ServiceRegistered' }>['data'],
    position: bigint,
    report: Report,
  ): void {
    const known = this.services.get(serviceId) ?? [];
    const alive = known.filter((one) => one.end === null);
    if (alive.length > 0 && this.readable(serviceId)) {
      const others = alive.map((one) => one.incarnation).join(', ');
      report(
        'I13',
        `Service ${serviceId} registers incarnation ${data.incarnation} while ${others} has neither failed nor stopped: two live incarnations.`,
      );
    }
    const other = this.byIncarnation.get(data.incarnation);
    if (other !== undefined) {
      report('transition', `Incarnation ${data.incarnation} is registered again (before: by ${other.serviceId}).`);
      return;
    }
    const facts: IncarnationFacts = {
      serviceId,
      incarnation: data.incarnation,
      labels: data.labels,
      handlers: new Set(Object.keys(data.handlers)),
      registeredPosition: position,
      drainPosition: null,
      end: null,
      confirmedDead: false,
    };
    this.services.set(serviceId, [...known, facts]);
    this.byIncarnation.set(data.incarnation, facts);
  }

  private advance(
    one: IncarnationFacts,
    event: Exclude<ServiceEvent, { type: 'ServiceRegistered' }>,
    position: bigint,
    report: Report,
  ): void {
    const words = `${event.type} of incarnation ${one.incarnation} of service ${one.serviceId}`;
    const ended = one.end === null ? null : `it has ${one.end.kind} at position ${one.end.position}`;
    switch (event.type) {
      case 'ServiceReasserted':
        if (ended !== null) report('transition', `${words}, but ${ended}, which is final.`);
        return;
      case 'ServiceDrainStarted':
        if (ended !== null) report('transition', `${words}, but ${ended}, which is final.`);
        else if (one.drainPosition !== null) report('transition', `${words}, but it drains already.`);
        one.drainPosition ??= position;
        return;
      case 'ServiceStopped':
        if (ended !== null) report('transition', `${words}, but ${ended}, which is final.`);
        one.end ??= { kind: 'stopped', position };
        return;
      case 'ServiceMarkedFailed': {
        const adds = event.data.by === 'operator' && event.data.confirmedDead && !one.confirmedDead;
        if (ended !== null && (one.end?.kind === 'stopped' || !adds)) {
          report('transition', `${words}, but ${ended}: the mark adds nothing.`);
        }
        if (event.data.by === 'observer') {
          const { kind, silenceMs, thresholdMs } = event.data.evidence;
          if (kind === 'silence' && !(silenceMs >= thresholdMs)) {
            report(
              'transition',
              `${words} after ${silenceMs} ms of silence, less than the threshold of ${thresholdMs} ms.`,
            );
          }
        }
        one.confirmedDead ||= adds;
        one.end ??= { kind: 'failed', position };
      }
    }
  }
}
