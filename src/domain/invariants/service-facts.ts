import type { Origin } from '../codec/origin';
import type { ServiceEvent } from '../service/events';
import type { Candidate } from '../service/state';
import { CommandWindow } from './command-window';
import type { Report } from './violation';

/** Beats further apart than this are not those of a service that could act all the while. */
const BEAT_GAP_MS = 60_000;

/** What the log says of one incarnation, with the positions at which it came to be so. */
export interface IncarnationFacts {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly labels: Candidate['labels'];
  readonly handlers: ReadonlySet<string>;
  readonly registeredPosition: bigint;
  /** When the log took it; of all `created` here. */
  readonly registeredCreated: number;
  drainPosition: bigint | null;
  end: End | null;
  /** Its beats came without a gap since; null: none was seen. */
  beatingSince: number | null;
  lastBeat: number | null;
  confirmedDead: boolean;
}

/** The event that ended an incarnation. */
interface End {
  readonly kind: 'failed' | 'stopped';
  readonly byOperator: boolean;
  readonly position: bigint;
  readonly created: number;
  readonly revision: number;
  readonly eventId: string;
}

/** Where an event of a service stands. */
interface At {
  readonly id: string;
  readonly revision: number;
  readonly position: bigint;
  readonly created: number;
}

/** What is kept of one service. */
interface Service {
  readonly alive: Map<string, IncarnationFacts>;
  readonly commands: CommandWindow;
  /** Most incarnations of a service look the same: what does not change is kept once. */
  last: IncarnationFacts | null;
}

/** Every service of the log, and the rules of their streams. */
export class ServiceFacts {
  private readonly services = new Map<string, Service>();
  private readonly byIncarnation = new Map<string, IncarnationFacts>();
  private readonly unreadable = new Set<string>();
  /** Of the events that were copied, by the log that they are from: where each was there, and where it is here. */
  private readonly copied = new Map<string, { readonly there: bigint; readonly here: bigint }[]>();

  incarnation(id: string): IncarnationFacts | null {
    return this.byIncarnation.get(id) ?? null;
  }

  /** Incarnations that have neither failed nor stopped. */
  *alive(): Iterable<IncarnationFacts> {
    for (const { alive } of this.services.values()) yield* alive.values();
  }

  /** A beat of an incarnation, when the log took it. */
  beat(incarnation: string, created: number): void {
    const facts = this.byIncarnation.get(incarnation);
    if (facts === undefined || facts.end !== null) return;
    if (facts.lastBeat === null || created - facts.lastBeat > BEAT_GAP_MS) facts.beatingSince = created;
    facts.lastBeat = created;
  }

  /** Its newest beat is no older than a gap may be. */
  beats({ lastBeat }: IncarnationFacts, now: number): boolean {
    return lastBeat !== null && now - lastBeat <= BEAT_GAP_MS;
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

  check(serviceId: string, event: ServiceEvent, at: At, report: Report): void {
    if (event.data.serviceId !== serviceId) {
      report('transition', `${event.type} of service ${event.data.serviceId} stands in the stream of ${serviceId}.`);
      return;
    }
    let service = this.services.get(serviceId);
    if (service === undefined) {
      service = { alive: new Map(), commands: new CommandWindow(), last: null };
      this.services.set(serviceId, service);
    }
    service.commands.check(event.type, event.data.commandId, at.revision, report);
    if (event.type === 'ServiceRegistered') {
      this.register(service, event.data, at, report);
      return;
    }
    const { incarnation } = event.data;
    const one = this.byIncarnation.get(incarnation);
    if (one?.serviceId !== serviceId) {
      if (this.readable(serviceId)) {
        report(
          'transition',
          `${event.type} names incarnation ${incarnation}, which service ${serviceId} never registered.`,
        );
      }
      return;
    }
    this.advance(one, event, at, report);
    if (one.end !== null) service.alive.delete(incarnation);
  }

  private register(
    service: Service,
    data: Extract<ServiceEvent, { type: 'ServiceRegistered' }>['data'],
    { position, created }: At,
    report: Report,
  ): void {
    const { serviceId, incarnation } = data;
    if (service.alive.size > 0 && this.readable(serviceId)) {
      const others = [...service.alive.keys()].join(', ');
      report(
        'I13',
        `Service ${serviceId} registers incarnation ${incarnation} while ${others} has neither failed nor stopped: two live incarnations.`,
      );
    }
    const other = this.byIncarnation.get(incarnation);
    if (other !== undefined) {
      report('transition', `Incarnation ${incarnation} is registered again (before: by ${other.serviceId}).`);
      return;
    }
    const facts: IncarnationFacts = {
      serviceId,
      incarnation,
      ...this.shared(service.last, data),
      registeredPosition: position,
      registeredCreated: created,
      drainPosition: null,
      end: null,
      beatingSince: null,
      lastBeat: null,
      confirmedDead: false,
    };
    service.last = facts;
    service.alive.set(incarnation, facts);
    this.byIncarnation.set(incarnation, facts);
  }

  private shared(
    last: IncarnationFacts | null,
    { labels, handlers }: Extract<ServiceEvent, { type: 'ServiceRegistered' }>['data'],
  ): Pick<IncarnationFacts, 'labels' | 'handlers'> {
    const names = Object.keys(handlers);
    const sameHandlers = last?.handlers.size === names.length && names.every((name) => last.handlers.has(name));
    const sameLabels = last !== null && JSON.stringify(last.labels) === JSON.stringify(labels);
    return { labels: sameLabels ? last.labels : labels, handlers: sameHandlers ? last.handlers : new Set(names) };
  }

  private advance(
    one: IncarnationFacts,
    event: Exclude<ServiceEvent, { type: 'ServiceRegistered' }>,
    { position, created, revision, id: eventId }: At,
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
        one.end ??= { kind: 'stopped', byOperator: false, position, created, revision, eventId };
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
        one.end ??= { kind: 'failed', byOperator: event.data.by === 'operator', position, created, revision, eventId };
      }
    }
  }
}
