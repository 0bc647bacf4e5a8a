import type { Clock, Random, Timer } from '../clock';
import { RegisterServiceCommand, type RegisterServiceFields } from '../commands';
import { placementVersion } from '../domain/placement';
import { liveIncarnation, type Incarnation } from '../domain/service';
import type { Logger } from '../logging';
import { answer, type MembershipCommands } from './facts';
import type { Observation } from './observation';
import { ownProcessIdentity, provablyGone } from './process-identity';
import type { Reading } from './reading';
import type { MembershipOptions } from './service-membership';

const RECENT_MS = 600_000;
const HOUR_MS = 3_600_000;
const LONGEST_FALSE_VERDICT_DELAY_MS = 600_000;
const LOUD_EVERY_MS = 60_000;

interface RegistrationPorts {
  readonly commands: MembershipCommands;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** What registration tells its membership. */
interface RegistrationEvents {
  readonly observation: () => Observation;
  readonly position: () => bigint;
  readonly observing: (detail: string, conflict: boolean) => void;
  readonly registering: (incarnation: string) => void;
  /** Twice: when the registration is in the log (`start` null), and when a beat that began after it was read back. */
  readonly registered: (incarnation: string, at: { readonly position: bigint; readonly start: Reading | null }) => void;
}

/**
 * One living incarnation per service id (protocol 5.8). A newcomer that finds a non-terminal one does not supersede it: it proves it gone, or hears
 * its silence for a full failAfter, or hears a beat and does not register.
 */
export class Registration {
  /** The incarnation that is to be registered; null: none is. */
  private wanted: { readonly incarnation: string; readonly reason: 'start' | 'falselyFailed' } | null = null;
  private inLog: { readonly incarnation: string; readonly position: bigint; readonly since: number } | null = null;
  private appending = false;
  private timer: Timer | null = null;
  private readonly registrations: number[] = [];
  private readonly falseVerdicts: number[] = [];
  private observed: { readonly incarnation: string; readonly lastBeat: number } | null = null;
  private saidAt = -Infinity;

  constructor(
    private readonly ports: RegistrationPorts,
    private readonly options: MembershipOptions,
    private readonly on: RegistrationEvents,
  ) {}

  get pending(): boolean {
    return this.wanted !== null || this.timer !== null;
  }

  /** Registers a new incarnation after `delayMs` and whatever the back-off adds. */
  begin(reason: 'start' | 'falselyFailed', delayMs: number): void {
    this.cancel();
    const { clock, random } = this.ports;
    this.timer = clock.setTimer(
      delayMs + this.backOffMs(),
      () => {
        this.timer = null;
        this.wanted = { incarnation: random.uuid(clock.wall()), reason };
        this.observed = null;
        this.on.registering(this.wanted.incarnation);
        this.look();
      },
      { name: 'registration', keepAlive: false },
    );
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = null;
    this.wanted = null;
  }

  /** min(failAfter · 2^k, 10 min), k = false verdicts within the hour before this one. */
  delayAfterFalseVerdict(): number {
    const now = this.ports.clock.monotonic();
    const k = this.falseVerdicts.filter((t) => t > now - HOUR_MS).length;
    this.falseVerdicts.push(now);
    return Math.min(this.options.liveness.failAfterMs * 2 ** k, LONGEST_FALSE_VERDICT_DELAY_MS);
  }

  /** Looks at who bears the id now, and registers if nobody does. Called whenever time has passed. */
  look(): void {
    const { wanted } = this;
    if (wanted === null || this.appending) return;
    const observation = this.on.observation();
    const former = liveIncarnation(observation.service(this.options.serviceId));
    if (former === null || former === undefined) return void this.append(wanted, null);
    if (former.incarnation === wanted.incarnation) return;
    if (provablyGone(former.process, { sharedKernel: this.options.sharedKernel })) {
      return void this.append(wanted, this.supersede(former, 'processGone'));
    }
    const silence = observation.silenceOf(former.incarnation);
    if (silence >= this.options.liveness.failAfterMs)
      return void this.append(wanted, this.supersede(former, 'silence'));
    this.observe(former, observation.lastBeatOf(former.incarnation));
  }

  /** An own beat of the incarnation that began at `start` was read back. */
  beatReadBack(incarnation: string, start: Reading): void {
    const { inLog } = this;
    if (inLog === null || inLog.incarnation !== incarnation || start.monotonic < inLog.since) return;
    this.inLog = null;
    this.on.registered(incarnation, { position: inLog.position, start });
  }

  private observe(former: Incarnation, lastBeat: number): void {
    const { serviceId } = this.options;
    const first = this.observed === null || this.observed.incarnation !== former.incarnation;
    const heard = !first && lastBeat > (this.observed as { lastBeat: number }).lastBeat;
    if (first || heard) this.observed = { incarnation: former.incarnation, lastBeat };
    const who = `process ${former.process.pid} on ${former.labels.host} (incarnation ${former.incarnation})`;
    if (!heard && !first) return;
    if (first) {
      this.on.observing(`${who} bears the id ${serviceId}; observing whether it is silent`, false);
      return;
    }
    const detail = `two processes bear the id ${serviceId}: ${who}, which is alive, and process ${process.pid} on ${this.options.labels.host}, which waits. Give one of them another service.id.`;
    this.on.observing(detail, true);
    const now = this.ports.clock.monotonic();
    if (now - this.saidAt < LOUD_EVERY_MS) return;
    this.saidAt = now;
    this.ports.logger.error('service.identity-conflict', { detail });
  }

  private supersede(former: Incarnation, kind: 'silence' | 'processGone'): RegisterServiceFields['supersede'] {
    const { serviceId, liveness } = this.options;
    const observation = this.on.observation();
    return {
      incarnation: former.incarnation,
      observer: serviceId,
      observerIncarnation: this.wanted?.incarnation ?? '',
      evidence: {
        kind,
        lastBeat: observation.lastBeatOf(former.incarnation),
        silenceMs: Math.round(observation.silenceOf(former.incarnation)),
        thresholdMs: liveness.failAfterMs,
        membershipPosition: String(this.on.position()),
      },
      viewRevision: observation.service(serviceId).revision,
    };
  }

  private async append(
    wanted: { readonly incarnation: string; readonly reason: 'start' | 'falselyFailed' },
    supersede: RegisterServiceFields['supersede'],
  ): Promise<void> {
    this.appending = true;
    try {
      const { serviceId, labels, capacity, handlers } = this.options;
      const { incarnation, reason } = wanted;
      const { clock, commands, logger } = this.ports;
      const command = new RegisterServiceCommand({
        serviceId,
        incarnation,
        labels,
        capacity,
        handlers,
        process: ownProcessIdentity(),
        placementVersion,
        reason,
        supersede,
      });
      const result = await answer(commands.execute(command));
      if (result.kind === 'appended') {
        const now = clock.monotonic();
        this.registrations.push(now);
        if (this.wanted?.incarnation !== incarnation) return;
        this.wanted = null;
        this.inLog = { incarnation, position: result.position, since: now };
        this.on.registered(incarnation, { position: result.position, start: null });
        return;
      }
      logger.warn('service.not-registered', { kind: result.kind, words: result.words });
      // Measured anew: whatever was refused had been seen too early, or too late.
      if (supersede !== null) this.on.observation().measureAnew(supersede.incarnation, clock.monotonic());
    } finally {
      this.appending = false;
    }
  }

  /** Registrations back off by their count in the last ten minutes: none for the first three, then 1 s, doubled up to a minute. */
  private backOffMs(): number {
    const now = this.ports.clock.monotonic();
    const recent = this.registrations.filter((t) => t > now - RECENT_MS).length;
    return recent < 3 ? 0 : Math.min(1_000 * 2 ** (recent - 3), 60_000);
  }
}
