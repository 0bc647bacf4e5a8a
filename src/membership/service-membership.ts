import type { ClusterTime, Timer } from '../clock';
import type { ServiceEvent, ServiceHeartbeat, ServiceStopped } from '../domain/service';
import type { UnreadableEvent } from '../domain/unreadable';
import type { RecordedEvent } from '../event-store';
import { Beats } from './beats';
import { LogClusterTime } from './cluster-time';
import { Hearing } from './hearing';
import { KeptBeats } from './kept-beats';
import type { Membership, MembershipHealth, MembershipState, Trust } from './membership';
import { Observation, type Suspect } from './observation';
import { OwnLife } from './own-life';
import type { MembershipOptions, MembershipPorts } from './ports';
import { Registration } from './registration';
import { Returning } from './returning';
import { OwnTrust } from './trust';
import { Standing } from './standing';
import { Verdicts } from './verdicts';
import { ViewLag } from './view-lag';
import { fenceInWords } from './words';

/** A peer is suspected from this part of its threshold on. */
const SUSPECTED = 0.6;

/**
 * One service among its equals: it registers, beats, trusts itself, hears the others, and judges those that have fallen silent.
 *
 * Order at start: hear the log → (observe who else bears this id) → register → own beat read back → view has applied the registration → claim.
 *
 * It reads the streams of services and heartbeats through one subscription of its own, in log order; trust and silence never wait for the view.
 */
export class ServiceMembership implements Membership {
  readonly trust: Trust;
  readonly clusterTime: ClusterTime;
  private readonly own: OwnTrust;
  private readonly time: LogClusterTime;
  private readonly beats: Beats;
  private readonly hearing: Hearing;
  private readonly registration: Registration;
  private readonly returning: Returning;
  private readonly verdicts: Verdicts;
  private readonly viewLag: ViewLag;
  private readonly keptBeats: KeptBeats;
  private observation: Observation;
  private readonly standing: Standing;
  private readonly life: OwnLife;
  private timer: Timer | null = null;
  private comparedAt = -Infinity;
  private goingBack = false;
  private closed = false;

  constructor(
    private readonly ports: MembershipPorts,
    private readonly options: MembershipOptions,
  ) {
    const { store, clock, random, logger, counts } = ports;
    const { serviceId, liveness, namespace } = options;
    const { selfFenceAfterMs, failAfterMs } = liveness;
    this.standing = new Standing(ports);
    this.own = new OwnTrust(clock, selfFenceAfterMs, logger);
    this.trust = this.own;
    this.time = new LogClusterTime(clock, logger, liveness.clockRateError);
    this.clusterTime = this.time;
    this.observation = new Observation({ serviceId, failAfterMs, selfFenceAfterMs });
    this.viewLag = new ViewLag(clock, ports.viewPosition ?? (() => 'start'));
    this.verdicts = new Verdicts(ports, { serviceId, timeoutMs: selfFenceAfterMs });
    this.hearing = new Hearing(
      ports,
      { namespace, secondLookMs: selfFenceAfterMs / 4 },
      {
        fact: (id, event, recorded) => this.hearFact(id, event, recorded),
        beat: (id, beat, recorded) => this.hearBeat(id, beat, recorded),
        caughtUp: () => this.life.begin(),
        wentBack: () => void this.logWentBack(),
      },
    );
    this.returning = new Returning(
      { ...ports, trust: this.own, live: () => this.life.incarnation },
      { serviceId, namespace, selfFenceAfterMs },
      (incarnation, fencedForMs) => {
        this.life.turnTrusted();
        logger.info('service.reasserted', { incarnation, fencedForMs });
      },
    );
    this.beats = new Beats(
      { store, clock, clusterTime: this.time, random, logger, counts },
      { serviceId, stream: this.hearing.heartbeatStream(serviceId), liveness },
      {
        acknowledged: (incarnation, start) => {
          if (incarnation === this.life.incarnation) this.returning.beatAcknowledged(incarnation, start);
        },
        wentBack: () => void this.logWentBack(),
        needsPass: () => this.life.incarnation !== null,
        withheld: () => this.life.shown && this.viewBehindMs() > failAfterMs,
        wantPass: () => ports.wantPass?.(),
      },
    );
    this.keptBeats = new KeptBeats(
      { store, clock, clusterTime: this.time, logger },
      { stream: (id) => this.hearing.heartbeatStream(id), liveness },
    );
    this.registration = new Registration(ports, options, {
      observation: () => this.observation,
      position: () => this.hearing.position,
      observing: (detail, conflict) => this.standing.turn(conflict ? 'identity-conflict' : 'observing', detail),
      registering: (incarnation) => this.life.registering(incarnation),
      notRegistered: (words) => this.standing.turn('registering', `not registered yet: ${words}`),
      landed: (incarnation, position) => this.life.landed(incarnation, position),
      confirmed: (incarnation, start, since) => {
        this.own.begin(incarnation, start, since);
        logger.info('service.registered', { incarnation });
        if (this.own.check() !== 'trust-expired') this.life.turnTrusted();
      },
    });
    const { standing, own: trust, beats, registration } = this;
    this.life = new OwnLife(ports, options, { standing, trust, beats, registration });
    this.own.onFence(({ incarnation, reason }) => {
      if (reason !== 'stopped') logger.warn('service.fenced', { incarnation, reason });
      if (this.standing.state === 'registered' || this.standing.state === 'draining')
        this.standing.turn('fenced', fenceInWords(reason, liveness));
    });
  }

  get serviceId(): string {
    return this.options.serviceId;
  }

  /** Subscribes and begins to register; waits neither for that nor for the log. */
  start(): void {
    if (this.closed) return;
    this.comparedAt = this.ports.clock.monotonic();
    this.hearing.start();
    this.armTick();
  }

  incarnation(): string | null {
    return this.life.incarnation;
  }

  isOwn(incarnation: string): boolean {
    return this.life.isOwn(incarnation);
  }

  mayClaim(): boolean {
    const trusted = this.life.shown && !this.life.draining && this.own.check() === null;
    return trusted && this.observation.fresh(this.ports.clock.monotonic());
  }

  draining(): boolean {
    return this.life.draining;
  }

  silentSinceEnd(incarnation: string): boolean {
    return this.observation.silentSinceEnd(incarnation, this.ports.clock.monotonic());
  }

  silences(): readonly Suspect[] {
    return this.observation.silences(this.ports.clock.monotonic());
  }

  passCompleted(): void {
    this.beats.passCompleted();
  }

  /** An append of this process was acknowledged: the view must show it, as it must what is heard. */
  appended(position: bigint): void {
    this.viewLag.knows(position);
    this.hearing.appended(position);
  }

  /** Age of the oldest service fact that membership has heard, or own append that was acknowledged, which the view has not applied, ms; 0: none. */
  viewBehindMs(): number {
    return this.ports.viewPosition === undefined ? 0 : this.viewLag.behindMs();
  }

  health(): MembershipHealth {
    this.own.check();
    const { serviceId } = this;
    const { state, detail } = this.standing;
    const words = [detail, this.registration.waitInWords()].filter((one) => one !== null);
    return {
      state,
      serviceId,
      incarnation: this.life.incarnation,
      trustRemainingMs: this.own.remainingMs(),
      watermarkAgeMs: this.observation.watermarkAge(this.ports.clock.monotonic()),
      detail:
        this.own.check() === 'clock-jump'
          ? fenceInWords('clock-jump', this.options.liveness)
          : words.join('; ') || null,
    };
  }

  /**
   * Resolves when it is known whether this process bears its service id: registered, or another process bears it, or it was ended; or with
   * the state after `timeoutMs`.
   */
  named(timeoutMs: number): Promise<MembershipState> {
    return this.standing.until(['registered', 'draining', 'identity-conflict', 'marked', 'stopped'], timeoutMs);
  }

  /** Told to come back after an operator's mark. Anything else: nothing. */
  rejoin(): void {
    this.life.rejoin();
  }

  /** Nothing more is claimed; beats go on. Resolves when it is in the log, or the log gave no answer. */
  drain(reason: string): Promise<void> {
    return this.life.drain(reason);
  }

  /** The end: what is still running is named. Beats go on until it is in the log, or the log gave no answer. */
  stop(leftovers: ServiceStopped['data']['leftovers']): Promise<void> {
    return this.life.stop(leftovers);
  }

  /** Without a word to the log: what `stop` has not said, the others will find out by silence. */
  async close(): Promise<void> {
    this.closed = true;
    this.life.close();
    this.beats.stop();
    this.own.fence('stopped');
    this.own.close();
    this.timer?.cancel();
    await this.hearing.close();
  }

  private hearFact(serviceId: string, event: ServiceEvent | UnreadableEvent, recorded: RecordedEvent): void {
    const { clock, logger } = this.ports;
    const { revision, position, created } = recorded;
    this.viewLag.knows(position);
    this.observation.serviceEvent(serviceId, event, revision, clock.monotonic(), clock.wall() - created);
    if (event.type === '$unreadable') {
      logger.error('service.unreadable', { peer: serviceId, revision, type: event.originalType, why: event.why });
    } else if (serviceId === this.serviceId) this.life.hear(event, position);
  }

  private hearBeat(serviceId: string, beat: ServiceHeartbeat | null, recorded: RecordedEvent): void {
    const now = this.ports.clock.monotonic();
    this.observation.heartbeatRead(serviceId, recorded.revision, now);
    if (beat === null) return;
    const sent = serviceId === this.serviceId ? this.beats.readBack(beat) : null;
    const { incarnation } = beat.data;
    if (sent === null) {
      if (!this.isOwn(incarnation)) this.observation.beat(beat, now);
      return;
    }
    this.observation.ownBeat(sent.start.monotonic, now);
    this.time.sample(recorded.created, sent.start.monotonic, sent.acknowledged);
    if (incarnation === this.life.incarnation) this.registration.beatReadBack(incarnation, sent.start);
  }

  private tick(): void {
    if (this.closed) return;
    const now = this.ports.clock.monotonic();
    const { failAfterMs } = this.options.liveness;
    const live = this.life.incarnation;
    if (this.own.check() === null && live !== null) {
      // A probe moves the watermark between two beats, so a verdict need not wait for the next one.
      if (this.observation.silences(now).some((s) => s.silenceMs >= s.thresholdMs * SUSPECTED)) this.beats.probe();
      const evidence = { observation: this.observation, position: this.hearing.position };
      this.verdicts.pass(evidence, live, () => this.life.incarnation === live && this.own.check() === null);
      this.keptBeats.look((instant) => this.observation.goneBefore(instant));
    }
    this.registration.look();
    if (now - this.comparedAt >= failAfterMs) {
      this.comparedAt = now;
      void this.hearing.compare();
    }
    this.armTick();
  }

  private armTick(): void {
    this.timer = this.ports.clock.setTimer(this.options.liveness.beatMs / 2, () => this.tick(), { name: 'membership' });
  }

  /** Somebody else has noticed that the log is an older one. */
  wentBack(): void {
    void this.logWentBack();
  }

  /** The log is an older one than we knew: everything begins anew. */
  private async logWentBack(): Promise<void> {
    if (this.closed || this.goingBack || this.standing.state === 'stopped') return;
    this.goingBack = true;
    const { serviceId, liveness } = this.options;
    this.ports.logger.error('log.went-back', { position: String(this.hearing.position) });
    this.life.logWentBack();
    this.beats.forgetRevisions();
    this.keptBeats.forget();
    this.viewLag.clear();
    this.observation = new Observation({ serviceId, ...liveness });
    this.ports.onLogWentBack?.();
    try {
      await this.hearing.restart();
    } finally {
      this.goingBack = false;
    }
  }
}
