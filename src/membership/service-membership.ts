import type { Clock, ClusterTime, Random, Timer } from '../clock';
import { DrainServiceCommand, MarkServiceFailedCommand, ReassertServiceCommand, StopServiceCommand } from '../commands';
import { decode } from '../domain/codec';
import type { Capacity, Labels, ServiceEvent, ServiceHeartbeat, ServiceStopped } from '../domain/service';
import { SupervisedSubscription, type EventStore, type RecordedEvent } from '../event-store';
import type { Logger } from '../logging';
import { Beats } from './beats';
import { LogClusterTime } from './cluster-time';
import { answer, type MembershipCommands } from './facts';
import type { Membership, MembershipHealth, MembershipState, Trust } from './membership';
import { Observation, type Suspect } from './observation';
import type { LivenessOptions } from './options';
import { readClocks, type Reading } from './reading';
import { Registration } from './registration';
import { OwnTrust } from './trust';

export interface MembershipPorts {
  readonly store: EventStore;
  readonly commands: MembershipCommands;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Own jobs and runs, for the beat. */
  readonly counts: () => { readonly owned: number; readonly running: number };
  /** Resolves when the view has applied everything up to this position. */
  readonly viewApplied: (position: bigint) => Promise<void>;
  /** The log went back in time: whatever was remembered of it is worth nothing. */
  readonly onLogWentBack?: () => void;
}

export interface MembershipOptions {
  readonly serviceId: string;
  readonly labels: Labels;
  readonly capacity: Capacity;
  readonly handlers: { readonly [handler: string]: string };
  readonly namespace: string;
  readonly liveness: LivenessOptions;
  /** One kernel serves all processes of this log (the embedded one): another boot id proves a process gone. */
  readonly sharedKernel: boolean;
}

const SERVICE = 'service';
const HEARTBEAT = 'heartbeat';
const LEAST_KEPT_BEATS = 256;

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
  private readonly registration: Registration;
  private observation: Observation;
  private subscription: SupervisedSubscription | null = null;
  private position: bigint = 0n;
  private state: MembershipState = 'idle';
  private detail: string | null = null;
  /** The registered incarnation of this process that has not ended. */
  private live: string | null = null;
  /** Its registration; the view has applied it. */
  private applied = false;
  private readonly incarnations = new Set<string>();
  private readonly judging = new Set<string>();
  private reasserting = false;
  private checkingDoubt = false;
  private isDraining = false;
  private timer: Timer | null = null;
  private closed = false;

  constructor(
    private readonly ports: MembershipPorts,
    private readonly options: MembershipOptions,
  ) {
    const { store, clock, random, logger, counts } = ports;
    const { serviceId, liveness, namespace } = options;
    this.own = new OwnTrust(clock, liveness.selfFenceAfterMs);
    this.trust = this.own;
    this.time = new LogClusterTime(clock, logger);
    this.clusterTime = this.time;
    this.observation = this.newObservation();
    this.beats = new Beats(
      { store, clock, clusterTime: this.time, random, counts },
      {
        serviceId,
        stream: `${prefix(namespace)}${HEARTBEAT}-${serviceId}`,
        beatMs: liveness.beatMs,
        timeoutMs: liveness.selfFenceAfterMs / 4,
      },
      {
        acknowledged: (incarnation, start) => this.beatAcknowledged(incarnation, start),
        wentBack: () => void this.logWentBack(),
        needsPass: () => this.live !== null && this.own.check() === null,
      },
    );
    this.registration = new Registration(ports, options, {
      observation: () => this.observation,
      position: () => this.position,
      observing: (detail, conflict) => this.turn(conflict ? 'identity-conflict' : 'observing', detail),
      registering: (incarnation) => {
        this.incarnations.add(incarnation);
        this.turn('registering', null);
        this.beats.start(incarnation);
      },
      registered: (incarnation, position) => this.registered(incarnation, position),
    });
    this.own.onFence(({ incarnation, reason }) => {
      logger.warn('service.fenced', { incarnation, reason });
      if (this.state === 'registered' || this.state === 'draining') this.turn('fenced', `fenced: ${reason}`);
    });
  }

  get serviceId(): string {
    return this.options.serviceId;
  }

  /** Subscribes and begins to register; does not wait for it. */
  async start(): Promise<void> {
    const { store, clock } = this.ports;
    const { namespace, liveness, serviceId } = this.options;
    const kept = Math.max(LEAST_KEPT_BEATS, Math.ceil((12 * liveness.failAfterMs) / liveness.beatMs));
    await store.keepLast(`${prefix(namespace)}${HEARTBEAT}-${serviceId}`, kept).catch((error: unknown) => {
      this.ports.logger.warn('beats.not-trimmed', { error: String(error) });
    });
    this.subscribe();
    this.timer = clock.setTimer(liveness.beatMs / 2, () => this.tick(), { name: 'membership' });
  }

  incarnation(): string | null {
    return this.live;
  }

  isOwn(incarnation: string): boolean {
    return this.incarnations.has(incarnation);
  }

  mayClaim(): boolean {
    return (
      this.live !== null &&
      this.applied &&
      !this.isDraining &&
      this.own.check() === null &&
      this.observation.fresh(this.ports.clock.monotonic())
    );
  }

  draining(): boolean {
    return this.isDraining;
  }

  silentSinceEnd(incarnation: string): boolean {
    return this.observation.silentSinceEnd(incarnation);
  }

  silences(): readonly Suspect[] {
    return this.observation.silences(this.ports.clock.monotonic());
  }

  passCompleted(): void {
    this.beats.passCompleted();
  }

  health(): MembershipHealth {
    return {
      state: this.state,
      serviceId: this.serviceId,
      incarnation: this.live,
      trustRemainingMs: this.own.remainingMs(),
      watermarkAgeMs: this.observation.watermarkAge(this.ports.clock.monotonic()),
      detail: this.detail,
    };
  }

  /** Told to come back after an operator's mark. */
  rejoin(): void {
    if (this.state === 'marked') this.registration.begin('start', 0);
  }

  /** Nothing more is claimed; beats go on. */
  async drain(reason: string): Promise<void> {
    this.isDraining = true;
    const { live } = this;
    this.registration.cancel();
    if (live === null) return;
    if (this.state === 'registered') this.turn('draining', 'draining');
    await answer(
      this.ports.commands.execute(new DrainServiceCommand({ serviceId: this.serviceId, incarnation: live, reason })),
    );
  }

  /** The end: what is still running is named. Beats end after it. */
  async stop(leftovers: ServiceStopped['data']['leftovers']): Promise<void> {
    const { live, serviceId } = this;
    this.registration.cancel();
    if (live !== null) {
      const result = await answer(
        this.ports.commands.execute(new StopServiceCommand({ serviceId, incarnation: live, leftovers })),
      );
      if (result.kind !== 'appended') this.ports.logger.warn('service.stop-not-recorded', { words: result.words });
    }
    this.beats.stop();
    this.live = null;
    this.own.fence('stopped');
    this.turn('stopped', 'stopped');
  }

  async close(): Promise<void> {
    this.closed = true;
    this.registration.cancel();
    this.beats.stop();
    this.own.close();
    this.timer?.cancel();
    await this.subscription?.close();
  }

  private newObservation(): Observation {
    const { serviceId, liveness } = this.options;
    return new Observation({
      serviceId,
      failAfterMs: liveness.failAfterMs,
      selfFenceAfterMs: liveness.selfFenceAfterMs,
    });
  }

  private subscribe(): void {
    const { store, clock, random, logger } = this.ports;
    const before = prefix(this.options.namespace);
    let first = true;
    this.subscription = new SupervisedSubscription(
      { store, clock, random },
      {
        after: 'start',
        categories: [`${before}${SERVICE}`, `${before}${HEARTBEAT}`],
        onEvents: (events, position) => {
          for (const event of events) this.hear(event);
          this.position = position;
        },
        onCaughtUp: () => {
          if (!first) return;
          first = false;
          if (this.live === null && !this.isDraining) this.registration.begin('start', 0);
        },
        onError: (error, kind) => logger.warn('membership.interrupted', { error: error.message, kind }),
      },
    );
    this.subscription.start();
  }

  private hear(recorded: RecordedEvent): void {
    const now = this.ports.clock.monotonic();
    const event = decode(recorded.type, recorded.data, recorded.metadata);
    const serviceId = recorded.stream.slice(recorded.stream.indexOf('-') + 1);
    if (event.type === 'ServiceHeartbeat') this.hearBeat(event, recorded, now);
    else if (event.type === '$unreadable') {
      if (recorded.stream.startsWith(`${prefix(this.options.namespace)}${SERVICE}-`)) {
        this.observation.serviceEvent(serviceId, event, recorded.revision, now);
        this.ports.logger.error('service.unreadable', {
          serviceId,
          revision: recorded.revision,
          type: recorded.type,
          why: event.why,
        });
      }
    } else {
      this.observation.serviceEvent(serviceId, event as ServiceEvent, recorded.revision, now);
      if (serviceId === this.serviceId) this.hearOfSelf(event as ServiceEvent);
    }
  }

  private hearBeat(event: ServiceHeartbeat, recorded: RecordedEvent, now: number): void {
    const { serviceId, incarnation } = event.data;
    const sent = serviceId === this.serviceId ? this.beats.readBack(event) : null;
    if (sent === null) {
      if (!this.isOwn(incarnation)) this.observation.beat(event, now);
      return;
    }
    this.observation.ownBeat(sent.start.monotonic, now);
    this.time.sample(recorded.created, sent.start.monotonic, sent.acknowledged);
    if (incarnation === this.live) this.registration.beatReadBack(incarnation, sent.start);
  }

  /** Facts about this service id: a verdict on us, a mark, another process that took the name. */
  private hearOfSelf(event: ServiceEvent): void {
    const { incarnation } = event.data;
    if (event.type === 'ServiceRegistered' && !this.isOwn(incarnation) && this.live !== null) {
      this.end(
        'superseded',
        'identity-conflict',
        `process ${event.data.process.pid} on ${event.data.labels.host} has registered under ${this.serviceId} after us`,
      );
      return;
    }
    if (event.type === 'ServiceDrainStarted' && incarnation === this.live) {
      this.isDraining = true;
      if (this.state === 'registered') this.turn('draining', 'draining');
      return;
    }
    if (event.type !== 'ServiceMarkedFailed' || incarnation !== this.live) return;
    if (event.data.by === 'operator') {
      this.end('marked-failed', 'marked', `marked failed by ${event.data.actor}: ${event.data.reason}`);
      return;
    }
    if (event.data.observer === this.serviceId) {
      this.end(
        'superseded',
        'identity-conflict',
        `another process bears the id ${this.serviceId} and has judged this one`,
      );
      return;
    }
    this.end(
      'marked-failed',
      'fenced',
      `judged by ${event.data.observer}: silent for ${event.data.evidence.silenceMs} ms`,
    );
    // It beats on for its own watermark; nobody hears an incarnation that has ended.
    if (!this.isDraining) this.registration.begin('falselyFailed', this.registration.delayAfterFalseVerdict());
  }

  private end(reason: 'superseded' | 'marked-failed', state: MembershipState, detail: string): void {
    this.own.fence(reason);
    this.live = null;
    this.applied = false;
    this.beats.stop();
    this.turn(state, detail);
    this.ports.logger.error(`service.${reason}`, { detail });
  }

  private registered(
    incarnation: string,
    { position, start }: { readonly position: bigint; readonly start: Reading | null },
  ): void {
    if (start === null) {
      this.live = incarnation;
      this.applied = false;
      this.beats.probe();
      void this.ports.viewApplied(position).then(
        () => {
          if (this.live === incarnation) this.applied = true;
        },
        () => undefined,
      );
      return;
    }
    this.own.begin(incarnation, start);
    this.turn(this.isDraining ? 'draining' : 'registered', null);
    this.ports.logger.info('service.registered', { incarnation });
  }

  private beatAcknowledged(incarnation: string, start: Reading): void {
    if (incarnation !== this.live) return;
    const doubt = this.own.check() === 'clock-jump' ? this.own.doubt : null;
    this.own.renew(start);
    if (doubt !== null && start.monotonic >= doubt.monotonic) void this.settleDoubt(incarnation);
    if (this.own.check() === 'trust-expired') void this.reassert(incarnation);
  }

  /** The log answers again and nobody has judged us: back, at the exact revision of our stream. */
  private async reassert(incarnation: string): Promise<void> {
    if (this.reasserting || this.registration.pending) return;
    this.reasserting = true;
    try {
      const { clock, commands, logger } = this.ports;
      const fencedForMs = Math.round(this.own.fencedForMs());
      const start = readClocks(clock);
      const command = new ReassertServiceCommand({ serviceId: this.serviceId, incarnation, fencedForMs });
      const result = await answer(commands.execute(command, { timeoutMs: this.options.liveness.selfFenceAfterMs }));
      if (result.kind !== 'appended' || this.live !== incarnation) return;
      this.own.reassert(start);
      if (this.own.check() !== null) return;
      this.turn(this.isDraining ? 'draining' : 'registered', null);
      logger.info('service.reasserted', { incarnation, fencedForMs });
    } finally {
      this.reasserting = false;
    }
  }

  private async settleDoubt(incarnation: string): Promise<void> {
    if (this.checkingDoubt) return;
    this.checkingDoubt = true;
    try {
      const { store, logger } = this.ports;
      const stream = `${prefix(this.options.namespace)}${SERVICE}-${this.serviceId}`;
      const { events } = await store.readStream(stream, { direction: 'backwards', limit: 100 });
      const ended = events.some(({ type, data }) => /MarkedFailed|Stopped/.test(type) && data.includes(incarnation));
      if (ended || this.live !== incarnation) return;
      this.own.settleDoubt();
      logger.warn('clock.jump-settled', { incarnation });
    } catch (error) {
      this.ports.logger.debug('clock.jump-not-settled', { error: String(error) });
    } finally {
      this.checkingDoubt = false;
    }
  }

  private tick(): void {
    if (this.closed) return;
    const { clock } = this.ports;
    const { liveness } = this.options;
    const now = clock.monotonic();
    this.own.check();
    if (this.live !== null && this.own.check() === null) {
      const suspected = this.observation.silences(now).some((s) => s.silenceMs >= s.thresholdMs * 0.6);
      // A probe moves the watermark between two beats, so a verdict need not wait for the next one.
      if (suspected) this.beats.probe();
      for (const suspect of this.observation.toJudge(now)) void this.judge(suspect, this.live);
    }
    this.registration.look();
    this.timer = clock.setTimer(liveness.beatMs / 2, () => this.tick(), { name: 'membership' });
  }

  /** A verdict holds at the revision of the stream where the evidence was seen, or not at all. */
  private async judge(suspect: Suspect, observerIncarnation: string): Promise<void> {
    const { serviceId, incarnation, silenceMs, thresholdMs, lastBeat, revision } = suspect;
    if (this.judging.has(incarnation)) return;
    this.judging.add(incarnation);
    try {
      const command = new MarkServiceFailedCommand({
        by: 'observer',
        serviceId,
        incarnation,
        observer: this.serviceId,
        observerIncarnation,
        evidence: {
          kind: 'silence',
          lastBeat,
          silenceMs: Math.round(silenceMs),
          thresholdMs,
          membershipPosition: String(this.position),
        },
        viewRevision: revision,
      });
      const mayAppend = () => this.own.check() === null && this.live === observerIncarnation;
      const result = await answer(
        this.ports.commands.execute(command, { mayAppend, timeoutMs: this.options.liveness.selfFenceAfterMs }),
      );
      this.observation.measureAnew(incarnation, this.ports.clock.monotonic());
      const facts = { peer: serviceId, peerIncarnation: incarnation, silenceMs: Math.round(silenceMs), thresholdMs };
      if (result.kind === 'appended') this.ports.logger.warn('service.marked-failed', facts);
      else this.ports.logger.info('service.verdict-dropped', { ...facts, words: result.words });
    } finally {
      this.judging.delete(incarnation);
    }
  }

  /** The log is an older one than we knew: everything begins anew. */
  private async logWentBack(): Promise<void> {
    this.ports.logger.error('log.went-back', { position: String(this.position) });
    this.own.fence('log-went-back');
    this.live = null;
    this.applied = false;
    this.beats.stop();
    this.beats.forgetRevisions();
    this.turn('fenced', 'the log went back in time');
    this.ports.onLogWentBack?.();
    await this.subscription?.close();
    this.observation = this.newObservation();
    this.position = 0n;
    if (!this.closed) this.subscribe();
  }

  private turn(state: MembershipState, detail: string | null): void {
    if (this.state !== state || this.detail !== detail) this.ports.logger.debug('membership.state', { state, detail });
    this.state = state;
    this.detail = detail;
  }
}

function prefix(namespace: string): string {
  return namespace === '' ? '' : `${namespace}.`;
}
