import {
  evolveService,
  absentService,
  evolveUnreadableService,
  isTerminal,
  type Incarnation,
  type ServiceEvent,
  type ServiceHeartbeat,
  type ServiceState,
} from '../domain/service';
import type { UnreadableEvent } from '../domain/unreadable';

export interface ObservationOptions {
  readonly serviceId: string;
  readonly failAfterMs: number;
  readonly selfFenceAfterMs: number;
}

/** A living peer, as this process hears it. All times are its own monotonic clock, ms. */
interface Peer {
  readonly serviceId: string;
  readonly incarnation: string;
  /** When its last new beat (or registration, or reassertion) was seen. */
  seen: number;
  /** Sequence of its last beat; −1: none yet. */
  lastBeat: number;
}

export interface Suspect {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly silenceMs: number;
  readonly thresholdMs: number;
  readonly lastBeat: number;
  /** Revision of the service stream in this view. */
  readonly revision: number;
}

/** After a false verdict its observer waits twice as long for that service, for an hour. */
const DOUBLED_FOR_MS = 3_600_000;

/**
 * The silence of others (protocol 5.3, 5.4), as a pure state machine: everything that happens is told to it, with the local monotonic time.
 *
 *     watermark  = start of the newest *own* beat that was read back
 *     silence(X) = watermark − local time at which X's last new beat was seen
 *
 * So whatever delays this observer (its own pause, a slow log, a lagging subscription) delays its verdict and never shortens the window.
 */
export class Observation {
  private readonly services = new Map<string, ServiceState>();
  private readonly peers = new Map<string, Peer>();
  /** Incarnations that an operator marked or that stopped: silence is measured on, for what they had running. */
  private readonly ended = new Map<string, number>();
  private readonly doubledUntil = new Map<string, number>();
  /** Service id → who judged its last incarnation; empty: nobody did. */
  private readonly judgedBy = new Map<string, string>();
  /** Service id → revision of its last heartbeat that was read. */
  private readonly heartbeats = new Map<string, number>();
  /** When the own service id was registered, own monotonic clock; without those that ended by a stop. */
  private readonly registrations = new Map<string, number>();
  private watermark: number | null = null;

  constructor(private readonly options: ObservationOptions) {}

  service(serviceId: string): ServiceState {
    return this.services.get(serviceId) ?? absentService(serviceId);
  }

  /** Services with a living incarnation. */
  liveCount(): number {
    return [...this.services.values()].filter((s) => s.incarnations.some((i) => !isTerminal(i))).length;
  }

  /** Services without a living incarnation, whose last one ended before this instant of cluster time. */
  goneBefore(instant: number): readonly string[] {
    return [...this.services.values()]
      .filter(({ incarnations, unreadable }) => {
        const last = incarnations.at(-1);
        if (unreadable !== null || last === undefined || !incarnations.every(isTerminal)) return false;
        return last.endedAt !== null && last.endedAt < instant;
      })
      .map(({ serviceId }) => serviceId);
  }

  /**
   * A fact of a service. Told again (a subscription that was broken off repeats itself), it changes nothing.
   * @param ageMs how long ago the log took it, when it is read from history.
   */
  serviceEvent(
    serviceId: string,
    event: ServiceEvent | UnreadableEvent,
    revision: number,
    now: number,
    ageMs = 0,
  ): void {
    const before = this.service(serviceId);
    if (revision <= before.revision) return;
    if (event.type === '$unreadable') {
      this.services.set(
        serviceId,
        evolveUnreadableService(before, { revision, type: event.originalType, why: event.why }),
      );
      return;
    }
    const after = evolveService(before, event, revision);
    this.services.set(serviceId, after);
    const { incarnation } = event.data;
    switch (event.type) {
      case 'ServiceRegistered':
        // A registration counts as a beat: a service that dies before its first one is judged too.
        this.peers.set(incarnation, { serviceId, incarnation, seen: now, lastBeat: -1 });
        if (serviceId === this.options.serviceId) this.registrations.set(incarnation, now - Math.max(0, ageMs));
        if (event.data.reason === 'falselyFailed' && this.wasOurVerdict(before))
          this.doubledUntil.set(serviceId, now + DOUBLED_FOR_MS - Math.max(0, ageMs));
        break;
      case 'ServiceReasserted': {
        const peer = this.peers.get(incarnation);
        if (peer) peer.seen = now;
        break;
      }
      case 'ServiceMarkedFailed':
      case 'ServiceStopped':
        this.peers.delete(incarnation);
        if (event.type === 'ServiceStopped') this.registrations.delete(incarnation);
        this.judgedBy.set(
          serviceId,
          event.type === 'ServiceMarkedFailed' && event.data.by === 'observer' ? event.data.observer : '',
        );
        this.ended.set(incarnation, now);
        break;
      case 'ServiceDrainStarted':
        break;
    }
  }

  /**
   * A heartbeat of this revision was read, whoever sent it. When some before it are missing, this reader was further behind than beats are
   * kept: whom it did not hear may have beaten, so all windows begin anew.
   */
  heartbeatRead(serviceId: string, revision: number, now: number): void {
    const last = this.heartbeats.get(serviceId);
    if (last !== undefined && revision <= last) return;
    this.heartbeats.set(serviceId, revision);
    if (last !== undefined && revision > last + 1) this.startWindowsAnew(now);
  }

  /** A beat that is not our own. New: a greater sequence of an incarnation that is registered and alive. */
  beat({ data }: ServiceHeartbeat, now: number): void {
    if (this.ended.has(data.incarnation)) this.ended.set(data.incarnation, now);
    const peer = this.peers.get(data.incarnation);
    if (peer === undefined || data.sequence <= peer.lastBeat) return;
    peer.lastBeat = data.sequence;
    peer.seen = now;
  }

  /** An own beat that began at `start` was read back. */
  ownBeat(start: number, now: number): void {
    const former = this.watermark;
    if (former !== null && start <= former) return;
    this.watermark = start;
    // The first one begins the observation. A gap in our own beats is a gap in what could have been heard. Either way everyone has a full window.
    if (former === null || start - former > this.options.selfFenceAfterMs / 2) this.startWindowsAnew(now);
  }

  startWindowsAnew(now: number): void {
    for (const peer of this.peers.values()) peer.seen = Math.max(peer.seen, now);
    for (const incarnation of this.ended.keys()) this.ended.set(incarnation, now);
  }

  /** A verdict was not taken: the silence of that incarnation is measured anew. */
  measureAnew(incarnation: string, now: number): void {
    const peer = this.peers.get(incarnation);
    if (peer) peer.seen = Math.max(peer.seen, now);
  }

  /** How often the own service id was registered within the last `withinMs`, by whatever process, and not stopped in order since. */
  registrationsWithin(withinMs: number, now: number): number {
    return [...this.registrations.values()].filter((at) => at > now - withinMs).length;
  }

  watermarkAge(now: number): number | null {
    return this.watermark === null ? null : now - this.watermark;
  }

  /** Own beats are read back soon enough to judge and to claim. */
  fresh(now: number): boolean {
    return this.watermark !== null && now - this.watermark <= this.options.selfFenceAfterMs;
  }

  /** Silence of an incarnation that is registered and alive, ms; 0: unknown, or heard since. */
  silenceOf(incarnation: string): number {
    const peer = this.peers.get(incarnation);
    return peer === undefined || this.watermark === null ? 0 : Math.max(0, this.watermark - peer.seen);
  }

  lastBeatOf(incarnation: string): number {
    return this.peers.get(incarnation)?.lastBeat ?? -1;
  }

  /** Everyone else who is alive by the log, with the silence measured now. */
  silences(now: number): Suspect[] {
    return [...this.peers.values()]
      .filter((peer) => peer.serviceId !== this.options.serviceId)
      .map(({ serviceId, incarnation, lastBeat }) => ({
        serviceId,
        incarnation,
        silenceMs: this.silenceOf(incarnation),
        thresholdMs: this.threshold(serviceId, now),
        lastBeat,
        revision: this.service(serviceId).revision,
      }));
  }

  /** Whom to mark failed now. While more than half of the living are silent, one more window is waited for. */
  toJudge(now: number): Suspect[] {
    if (!this.fresh(now)) return [];
    const silences = this.silences(now);
    const suspects = silences.filter(
      (s) => s.silenceMs >= s.thresholdMs && this.service(s.serviceId).unreadable === null,
    );
    // Beats are not in step: those who fall silent together reach their thresholds one after the other, and would be judged one by one.
    const silent = silences.filter((s) => s.silenceMs > this.options.selfFenceAfterMs).length;
    if (silent * 2 <= this.liveCount()) return suspects;
    return suspects.filter((s) => s.silenceMs >= 2 * s.thresholdMs);
  }

  /** A full failAfter of silence since the incarnation ended in the log; of one that nothing registers: since it was asked about first. */
  silentSinceEnd(incarnation: string, now: number): boolean {
    if (!this.peers.has(incarnation) && !this.ended.has(incarnation)) this.ended.set(incarnation, now);
    const seen = this.ended.get(incarnation);
    return seen !== undefined && this.watermark !== null && this.watermark - seen >= this.options.failAfterMs;
  }

  incarnationOf(serviceId: string, incarnation: string): Incarnation | undefined {
    return this.service(serviceId).incarnations.find((i) => i.incarnation === incarnation);
  }

  private wasOurVerdict(before: ServiceState): boolean {
    return (
      before.incarnations.at(-1)?.life === 'failed' && this.judgedBy.get(before.serviceId) === this.options.serviceId
    );
  }

  private threshold(serviceId: string, now: number): number {
    const { failAfterMs } = this.options;
    return (this.doubledUntil.get(serviceId) ?? -Infinity) > now ? 2 * failAfterMs : failAfterMs;
  }
}
