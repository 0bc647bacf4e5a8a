import { DrainServiceCommand } from '../commands';
import type { ServiceEvent, ServiceStopped } from '../domain/service';
import type { Beats } from './beats';
import { answer, recordStop } from './facts';
import type { FenceReason, MembershipState } from './membership';
import type { MembershipOptions, MembershipPorts } from './ports';
import type { Registration } from './registration';
import type { Standing } from './standing';
import type { OwnTrust } from './trust';
import { fenceInWords, verdictInWords } from './words';

interface Parts {
  readonly standing: Standing;
  readonly trust: OwnTrust;
  readonly beats: Beats;
  readonly registration: Registration;
}

/**
 * The life of this process under its service id, as the log has it: registered, drained, judged, marked, stopped; and whether it may register
 * again by itself.
 */
export class OwnLife {
  /** The registered incarnation of this process that has not ended. */
  private live: string | null = null;
  /** The view has applied its registration. */
  private applied = false;
  private readonly incarnations = new Set<string>();
  /** A registration of this process was read in this log. */
  private registeredHere = false;
  /** Marked by an operator, or another process took the id: it does not register by itself any more. */
  private barred = false;
  private isDraining = false;
  /** This process drains because it ends. */
  private leaving = false;
  private closed = false;

  constructor(
    private readonly ports: Pick<MembershipPorts, 'commands' | 'logger' | 'viewApplied'>,
    private readonly options: MembershipOptions,
    private readonly parts: Parts,
  ) {}

  get incarnation(): string | null {
    return this.live;
  }

  isOwn(incarnation: string): boolean {
    return this.incarnations.has(incarnation);
  }

  get draining(): boolean {
    return this.isDraining;
  }

  /** It is registered, and the view has applied that. */
  get shown(): boolean {
    return this.live !== null && this.applied;
  }

  /** The log was read to its end: registers, unless somebody has said not to. */
  begin(): void {
    if (!this.isDraining && !this.barred && !this.closed) this.parts.registration.begin('start', 0);
  }

  /** An incarnation of this process is about to be registered. */
  registering(incarnation: string): void {
    this.incarnations.add(incarnation);
    this.parts.standing.turn('registering', 'registering');
    this.parts.beats.start(incarnation);
  }

  /** The registration of this incarnation is in the log. */
  landed(incarnation: string, position: bigint): void {
    if (this.closed || this.barred || this.parts.standing.state === 'stopped') {
      // Nobody is here to live it.
      void recordStop(this.ports, this.options.serviceId, incarnation, []);
      return;
    }
    if (this.parts.registration.pending) return;
    this.live = incarnation;
    this.applied = false;
    this.parts.beats.probe();
    void this.ports.viewApplied(position).then(
      () => {
        if (this.live === incarnation) this.applied = true;
      },
      (error: unknown) => this.ports.logger.warn('view.not-applied', { incarnation, error: String(error) }),
    );
  }

  /** Trusted, at first or again. */
  turnTrusted(): void {
    if (this.isDraining) this.parts.standing.turn('draining', 'draining');
    else this.parts.standing.turn('registered', null);
  }

  /** Told to come back after an operator's mark. Anything else: nothing. */
  rejoin(): void {
    if (this.parts.standing.state !== 'marked' || this.leaving) return;
    this.barred = false;
    // A drain was that of the life that was marked.
    this.isDraining = false;
    this.parts.registration.begin('start', 0);
  }

  /** Nothing more is claimed; beats go on. Resolves when it is in the log, or the log gave no answer. */
  async drain(reason: string): Promise<void> {
    this.leaving = this.isDraining = true;
    this.parts.registration.cancel();
    await this.parts.registration.settled();
    const { live } = this;
    const { serviceId } = this.options;
    if (live === null) return;
    if (this.parts.standing.state === 'registered') this.parts.standing.turn('draining', 'draining');
    await answer(this.ports.commands.execute(new DrainServiceCommand({ serviceId, incarnation: live, reason })));
  }

  /** The end: what is still running is named. Beats go on until it is in the log, or the log gave no answer. */
  async stop(leftovers: ServiceStopped['data']['leftovers']): Promise<void> {
    this.isDraining = true;
    this.parts.registration.cancel();
    await this.parts.registration.settled();
    const { live } = this;
    if (live !== null) await recordStop(this.ports, this.options.serviceId, live, leftovers);
    this.endLife('stopped');
    this.parts.standing.turn('stopped', 'stopped');
  }

  /** What was sent lands without anybody to live it. */
  close(): void {
    this.closed = true;
    this.parts.registration.cancel();
  }

  /** Facts about this service id: our own, a verdict on us, a mark, another process that took the name. */
  hear(event: ServiceEvent, position: bigint): void {
    const { incarnation } = event.data;
    const own = this.isOwn(incarnation);
    if (event.type === 'ServiceRegistered') {
      if (own) {
        this.registeredHere = true;
        this.parts.registration.inTheLog(incarnation, position);
      } else if (this.registeredHere && this.parts.standing.state !== 'stopped') {
        const { process, labels } = event.data;
        const who = `process ${process.pid} on ${labels.host} (incarnation ${incarnation})`;
        this.end(
          'superseded',
          'identity-conflict',
          `${who} has registered as ${this.options.serviceId} after this process`,
        );
      }
      return;
    }
    if (event.type === 'ServiceMarkedFailed' && own && event.data.by === 'operator') {
      // A later mark of a life that a verdict had ended before says the same: stay away.
      if (incarnation === this.live || this.parts.registration.pending) {
        this.end('marked-failed', 'marked', verdictInWords(event));
      }
      return;
    }
    if (incarnation !== this.live) return;
    switch (event.type) {
      case 'ServiceDrainStarted':
        this.isDraining = true;
        if (this.parts.standing.state === 'registered') this.parts.standing.turn('draining', 'draining');
        break;
      case 'ServiceMarkedFailed':
        this.judged(event);
        break;
      case 'ServiceStopped':
        this.endLife('stopped');
        this.parts.standing.turn('stopped', 'stopped');
        break;
      case 'ServiceReasserted':
        break;
    }
  }

  private judged(event: Extract<ServiceEvent, { type: 'ServiceMarkedFailed' }>): void {
    const words = verdictInWords(event);
    if (event.data.by === 'observer' && event.data.observer === this.options.serviceId) {
      this.end('superseded', 'identity-conflict', `another process bears the id ${this.options.serviceId}: ${words}`);
      return;
    }
    this.end('marked-failed', 'fenced', words);
    this.barred = false;
    if (!this.isDraining)
      this.parts.registration.begin('falselyFailed', this.parts.registration.delayAfterFalseVerdict());
  }

  /** This life is over in the log. */
  private end(reason: 'superseded' | 'marked-failed', state: MembershipState, detail: string): void {
    this.barred = true;
    this.endLife(reason);
    this.parts.standing.turn(state, detail);
    this.ports.logger.error(`service.${reason}`, { detail });
  }

  private endLife(reason: FenceReason): void {
    this.live = null;
    this.applied = false;
    this.parts.registration.cancel();
    this.parts.beats.stop();
    this.parts.trust.fence(reason);
  }

  /** The log is an older one: the life that it knew is over. */
  logWentBack(): void {
    this.registeredHere = false;
    this.endLife('log-went-back');
    // Whoever must not come back by itself stays so: what an operator, or another process, has done was known here.
    if (!this.barred) this.parts.standing.turn('fenced', fenceInWords('log-went-back', this.options.liveness));
  }
}
