import type { decode } from '../../domain/codec';
import type { ServiceEvent } from '../../domain/service';
import type { Bench, JudgePorts } from './judge-ports';
import type { SimulatedProcess } from './simulated-process';

export interface Incarnation {
  /** Of its registration. */
  readonly position: bigint;
  readonly serviceId: string;
  /** Name of the process that registered it. */
  readonly process: string;
  readonly labels: { readonly [key: string]: string };
  readonly handlers: readonly string[];
  draining: boolean;
  ended: 'failed' | 'stopped' | null;
  endedAt: number;
  leftovers: readonly string[];
  confirmedDead: boolean;
}

/** Judges who lives and who is gone: registrations, verdicts and marks, and when what they left moves. */
export class JudgedServices {
  readonly incarnations = new Map<string, Incarnation>();
  /** Service id → position of the newest fact of its stream. */
  private readonly facts = new Map<string, bigint>();

  constructor(
    private readonly ports: JudgePorts,
    private readonly bench: Bench,
  ) {}

  rewind(): void {
    this.incarnations.clear();
    this.facts.clear();
  }

  /** Incarnations that have not ended in the log and whose process lives. */
  alive(): readonly (Incarnation & { readonly incarnation: string })[] {
    return [...this.incarnations]
      .filter(([, one]) => one.ended === null && this.ports.living(one.process) !== null)
      .map(([incarnation, one]) => ({ ...one, incarnation }));
  }

  /** A fact of a service was written. @param by the process that wrote it. */
  written(serviceId: string, event: ServiceEvent, position: bigint, by: string): void {
    this.fact(serviceId, event, position, by);
    this.facts.set(serviceId, position);
  }

  private fact(serviceId: string, event: ServiceEvent, position: bigint, by: string): void {
    const { incarnation } = event.data;
    if (event.type === 'ServiceRegistered') {
      const { labels, handlers, reason } = event.data;
      this.incarnations.set(incarnation, {
        position,
        serviceId,
        process: by,
        labels,
        handlers: Object.keys(handlers),
        draining: false,
        ended: null,
        endedAt: 0,
        leftovers: [],
        confirmedDead: false,
      });
      if (reason === 'falselyFailed') this.bench.note('returned-after-false-verdict');
      return;
    }
    const one = this.incarnations.get(incarnation);
    if (one === undefined) return;
    if (event.type === 'ServiceReasserted') this.bench.note('reasserted');
    if (event.type === 'ServiceDrainStarted') one.draining = true;
    if (event.type === 'ServiceStopped') {
      one.ended = 'stopped';
      one.endedAt = this.bench.now();
      one.leftovers = event.data.leftovers.map(({ jobId }) => jobId);
    }
    if (event.type === 'ServiceMarkedFailed') this.marked(one, event);
  }

  private marked(one: Incarnation, { data }: Extract<ServiceEvent, { type: 'ServiceMarkedFailed' }>): void {
    const process = this.ports.living(one.process);
    const { serviceId } = one;
    if (data.by === 'operator') {
      this.bench.note('operator-mark');
      one.confirmedDead ||= data.confirmedDead;
    } else {
      const { kind, membershipPosition } = data.evidence;
      const newest = this.facts.get(serviceId) ?? 0n;
      if (BigInt(membershipPosition) < newest)
        this.bench.violate(
          '5.5',
          `${serviceId} is marked failed on evidence of position ${membershipPosition}; it said something at ${newest}.`,
        );
      if (process === null) this.bench.note('verdict-on-the-dead');
      else if (kind === 'processGone') this.bench.violate('5.8', `${one.process} is said to be gone, and lives.`);
      else this.stopBeforeSteal(process, one, data.incarnation);
      // Who leads another life already is not failed by it: its log went back.
      const lives = process !== null && this.ports.trusted(process.name)?.incarnation === data.incarnation;
      if (process !== null && kind === 'silence' && (lives || this.ports.restored(process.name).sinceMs === Infinity))
        this.falseVerdict(process, `${serviceId} (${one.process}) is marked failed by ${data.observer}`);
    }
    if (one.ended === null) one.endedAt = this.bench.now();
    one.ended ??= 'failed';
  }

  /** 5.10, 5.13: what may still run somewhere moves after a full failAfter. */
  early(stream: string, decoded: readonly ReturnType<typeof decode>[]): void {
    for (const event of decoded) {
      if (event.type !== 'JobRequeued') continue;
      const jobId = stream.slice(stream.indexOf('-') + 1);
      const owner = this.incarnations.get(event.data.fromIncarnation);
      if (owner === undefined) continue;
      const { failAfterMs, clockRateError } = this.ports.liveness;
      const waited = this.bench.now() - owner.endedAt >= failAfterMs * (1 - clockRateError);
      if (waited || owner.confirmedDead) continue;
      const wasOpen = decoded.some(({ type }) => type === 'JobRunAbandoned');
      if (event.data.cause === 'stopped' && owner.leftovers.includes(jobId))
        this.bench.violate(
          '5.10',
          `${jobId} was left over by ${owner.process}, and moves ${Math.round(this.bench.now() - owner.endedAt)} ms after its stop.`,
        );
      if (event.data.cause === 'marked' && wasOpen)
        this.bench.violate(
          '5.13',
          `${jobId} ran in ${owner.process}, and moves ${Math.round(this.bench.now() - owner.endedAt)} ms after an operator's mark.`,
        );
    }
  }

  /** 5.6: when a verdict lands its subject has stopped. */
  private stopBeforeSteal(process: SimulatedProcess, { serviceId }: Incarnation, incarnation: string): void {
    const trusted = this.ports.trusted(process.name);
    const { failAfterMs, loopDelayMs } = this.ports.liveness;
    const paused = process.pausedWithin(this.bench.now() - 2 * failAfterMs, this.bench.now()) > loopDelayMs;
    if (trusted === null || paused || trusted.incarnation !== incarnation || trusted.fence !== null) return;
    this.bench.violate('5.6', `${serviceId} is marked failed, and ${process.name} trusts itself.`);
  }

  /** I9: nobody is failed for what an observer suffers, nor for an outage of the log. */
  private falseVerdict(process: SimulatedProcess, words: string): void {
    const { liveness, troubles } = this.ports;
    const now = this.bench.now();
    this.bench.note('false-verdict');
    const since = now - 2 * liveness.failAfterMs;
    if (process.pausedWithin(since, now) >= liveness.selfFenceAfterMs / 4) return;
    if (troubles.befell(process.place, since, now)) return;
    this.bench.violate('I9', `${words}, and nothing was wrong with it within ${2 * liveness.failAfterMs} ms.`);
  }
}
