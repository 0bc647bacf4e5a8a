import type { Clock, Random, Timer } from '../clock';
import { RegisterServiceCommand, type RegisterServiceFields } from '../commands';
import { placementVersion } from '../domain/placement';
import { liveIncarnation, type Incarnation } from '../domain/service';
import type { Logger } from '../logging';
import { answer, type MembershipCommands } from './facts';
import type { Observation } from './observation';
import { machineProcesses, type Processes } from './process-identity';
import { readClocks, type Reading } from './reading';
import type { MembershipOptions } from './ports';

const RECENT_MS = 600_000;
const HOUR_MS = 3_600_000;
const LONGEST_FALSE_VERDICT_DELAY_MS = 600_000;
const LOUD_EVERY_MS = 60_000;
/** So many registrations within ten minutes are free of back-off. */
const FREE_REGISTRATIONS = 5;
const LONGEST_BACK_OFF_MS = 30_000;
/** Before it is tried again after a refusal. */
const REST_MS = 1_000;

interface RegistrationPorts {
  readonly commands: MembershipCommands;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly processes?: Processes;
}

/** What registration asks of its membership, and tells it. */
interface RegistrationEvents {
  readonly observation: () => Observation;
  readonly position: () => bigint;
  readonly observing: (detail: string, conflict: boolean) => void;
  readonly registering: (incarnation: string) => void;
  /** Refused, or the log did not answer; it is tried again. */
  readonly notRegistered: (words: string) => void;
  /** The registration is in the log. Also when it had been cancelled meanwhile. */
  readonly landed: (incarnation: string, position: bigint) => void;
  /** A beat that began at `start`, after the registration, was read back; `since`: when the registration was sent first. */
  readonly confirmed: (incarnation: string, start: Reading, since: Reading) => void;
}

interface Wanted {
  readonly incarnation: string;
  readonly reason: 'start' | 'falselyFailed';
}

/**
 * One living incarnation per service id (protocol 5.8). A newcomer that finds a non-terminal one does not supersede it: it proves it gone, or hears
 * its silence for a full failAfter, or hears a beat and does not register.
 */
export class Registration {
  /** What is to be registered; null: nothing is. */
  private wanted: Wanted | null = null;
  private inLog: { readonly incarnation: string; readonly since: number; readonly sent: Reading } | null = null;
  private underWay: Promise<void> | null = null;
  private timer: Timer | null = null;
  /** Until when, by the monotonic clock, the timer runs, and the registrations for which it waits; none: it is no back-off. */
  private waits = { until: -Infinity, registrations: 0 };
  /** When each incarnation whose registration may still land was sent first. */
  private readonly sent = new Map<string, Reading>();
  private readonly falseVerdicts: number[] = [];
  private observed: { readonly incarnation: string; readonly lastBeat: number } | null = null;
  private saidAt = -Infinity;
  private restsUntil = -Infinity;
  private lastWords = '';

  constructor(
    private readonly ports: RegistrationPorts,
    private readonly options: MembershipOptions,
    private readonly on: RegistrationEvents,
  ) {}

  private get processes(): Processes {
    return this.ports.processes ?? machineProcesses;
  }

  get pending(): boolean {
    return this.wanted !== null || this.timer !== null;
  }

  /** Registers a new incarnation after `delayMs` and whatever the back-off adds. */
  begin(reason: 'start' | 'falselyFailed', delayMs: number): void {
    this.cancel();
    const { clock, random, logger } = this.ports;
    const { registrations, backOffMs } = this.backOff();
    const waitMs = delayMs + backOffMs;
    this.waits = { until: clock.monotonic() + waitMs, registrations: backOffMs > 0 ? registrations : 0 };
    if (backOffMs > 0) {
      logger.warn('service.registration-backs-off', { registrations, withinMs: RECENT_MS, nextAttemptInMs: waitMs });
    }
    this.timer = clock.setTimer(
      waitMs,
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

  /** Why nothing is registered yet, and for how long, for operators; null: nothing waits. */
  waitInWords(): string | null {
    const { until, registrations } = this.waits;
    const leftMs = Math.ceil(until - this.ports.clock.monotonic());
    if (this.timer === null || leftMs <= 0) return null;
    const next = `the next attempt to register is in ${leftMs} ms`;
    if (registrations === 0) return next;
    return `${this.options.serviceId} was registered ${registrations} times within ${RECENT_MS / 60_000} minutes, without an end in order; ${next}`;
  }

  /** Nothing new is registered. What was sent may still land: then `landed` is told. */
  cancel(): void {
    this.timer?.cancel();
    this.timer = null;
    this.wanted = null;
    this.inLog = null;
  }

  /** Resolves when no registration is under way. */
  async settled(): Promise<void> {
    while (this.underWay !== null) await this.underWay;
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
    if (wanted === null || this.underWay !== null || this.ports.clock.monotonic() < this.restsUntil) return;
    const { liveness, sharedKernel, serviceId } = this.options;
    const observation = this.on.observation();
    const former = liveIncarnation(observation.service(serviceId));
    if (former === null) return this.append(wanted, null);
    if (this.processes.provablyGone(former.process, { sharedKernel })) {
      return this.append(wanted, this.supersede(wanted, former, 'processGone'));
    }
    const heardEnough = observation.fresh(this.ports.clock.monotonic());
    if (heardEnough && observation.silenceOf(former.incarnation) >= liveness.failAfterMs) {
      return this.append(wanted, this.supersede(wanted, former, 'silence'));
    }
    this.observe(former, observation.lastBeatOf(former.incarnation));
  }

  /** An own registration is in the log: acknowledged, or read back before its acknowledgement came. */
  inTheLog(incarnation: string, position: bigint): void {
    const sent = this.sent.get(incarnation);
    if (sent === undefined) return;
    this.sent.delete(incarnation);
    const now = this.ports.clock.monotonic();
    if (this.wanted?.incarnation === incarnation) {
      this.wanted = null;
      this.inLog = { incarnation, since: now, sent };
    }
    this.on.landed(incarnation, position);
  }

  /** An own beat of the incarnation that began at `start` was read back. */
  beatReadBack(incarnation: string, start: Reading): void {
    const { inLog } = this;
    if (inLog === null || inLog.incarnation !== incarnation || start.monotonic < inLog.since) return;
    this.inLog = null;
    this.on.confirmed(incarnation, start, inLog.sent);
  }

  private observe(former: Incarnation, lastBeat: number): void {
    const { serviceId, labels, liveness } = this.options;
    const first = this.observed === null || this.observed.incarnation !== former.incarnation;
    const heard = !first && lastBeat > (this.observed as { lastBeat: number }).lastBeat;
    if (!heard && !first) return;
    this.observed = { incarnation: former.incarnation, lastBeat };
    const who = `process ${former.process.pid} on ${former.labels.host} (incarnation ${former.incarnation})`;
    if (first) {
      const detail = `${who} bears the id ${serviceId} and has not ended in the log; it is observed for ${liveness.failAfterMs} ms of silence`;
      return this.on.observing(detail, false);
    }
    const detail = `two processes bear the id ${serviceId}: ${who}, which is alive, and process ${this.processes.own().pid} on ${labels.host}, which waits. Give one of them another service.id.`;
    this.on.observing(detail, true);
    const now = this.ports.clock.monotonic();
    if (now - this.saidAt < LOUD_EVERY_MS) return;
    this.saidAt = now;
    this.ports.logger.error('service.identity-conflict', { detail });
  }

  private supersede(
    wanted: Wanted,
    former: Incarnation,
    kind: 'silence' | 'processGone',
  ): RegisterServiceFields['supersede'] {
    const { serviceId, liveness } = this.options;
    const observation = this.on.observation();
    const silenceMs = Math.round(observation.silenceOf(former.incarnation));
    return {
      incarnation: former.incarnation,
      observer: serviceId,
      observerIncarnation: wanted.incarnation,
      evidence: {
        kind,
        lastBeat: observation.lastBeatOf(former.incarnation),
        silenceMs: kind === 'silence' ? Math.max(silenceMs, liveness.failAfterMs) : silenceMs,
        thresholdMs: liveness.failAfterMs,
        membershipPosition: String(this.on.position()),
      },
      viewRevision: observation.service(serviceId).revision,
    };
  }

  private append(wanted: Wanted, supersede: RegisterServiceFields['supersede']): void {
    this.underWay = this.send(wanted, supersede).finally(() => (this.underWay = null));
  }

  private async send({ incarnation, reason }: Wanted, supersede: RegisterServiceFields['supersede']): Promise<void> {
    const { serviceId, labels, capacity, handlers } = this.options;
    const { clock, commands, logger } = this.ports;
    const process = this.processes.own();
    const fields = { serviceId, incarnation, labels, capacity, handlers, process, placementVersion, reason, supersede };
    if (!this.sent.has(incarnation)) this.sent.set(incarnation, readClocks(clock));
    const mayAppend = () => this.wanted?.incarnation === incarnation;
    const result = await answer(commands.execute(new RegisterServiceCommand(fields), { mayAppend }));
    if (result.kind === 'appended') return this.inTheLog(incarnation, result.position);
    if (result.kind === 'refused') this.sent.delete(incarnation);
    if (this.wanted === null) return;
    const now = clock.monotonic();
    this.restsUntil = now + REST_MS;
    if (result.words !== this.lastWords)
      logger.warn('service.not-registered', { kind: result.kind, words: result.words });
    this.lastWords = result.words;
    this.on.notRegistered(result.words);
    // Measured anew: whatever was refused had been seen too early, or too late.
    if (supersede !== null) this.on.observation().measureAnew(supersede.incarnation, now);
  }

  /**
   * By the registrations of this id in the last ten minutes, as the log shows them: a process that dies and is restarted again and again counts,
   * one that stops in order does not. None for the first five, then 1 s, doubled up to 30 s.
   */
  private backOff(): { readonly registrations: number; readonly backOffMs: number } {
    const registrations = this.on.observation().registrationsWithin(RECENT_MS, this.ports.clock.monotonic());
    if (registrations < FREE_REGISTRATIONS) return { registrations, backOffMs: 0 };
    return {
      registrations,
      backOffMs: Math.min(1_000 * 2 ** (registrations - FREE_REGISTRATIONS), LONGEST_BACK_OFF_MS),
    };
  }
}
