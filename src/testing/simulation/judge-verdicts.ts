import type { decode } from '../../domain/codec';
import type { ServiceEvent } from '../../domain/service';
import type { Bench, JudgedIncarnation } from './judged';
import type { SimulatedProcess } from './simulated-process';

/** Judges who is said to be gone, and when what he had moves (5.5 – 5.8, 5.10, 5.13, 6, I9). */
export class JudgeVerdicts {
  constructor(
    private readonly ports: Bench,
    /** Position of the newest fact of a service. */
    private readonly newestOf: (serviceId: string) => bigint,
  ) {}

  marked(one: JudgedIncarnation, { data }: Extract<ServiceEvent, { type: 'ServiceMarkedFailed' }>): void {
    const process = this.ports.living(one.process);
    const { serviceId } = one;
    if (data.by === 'operator') {
      this.ports.note('operator-mark');
      one.confirmedDead ||= data.confirmedDead;
    } else {
      const { kind, membershipPosition } = data.evidence;
      one.judgedBy.push(data.observer);
      const newest = this.newestOf(serviceId);
      if (BigInt(membershipPosition) < newest)
        this.ports.violate(
          '5.5',
          `${serviceId} is marked failed on evidence of position ${membershipPosition}; it said something at ${newest}.`,
        );
      if (process === null) this.ports.note('verdict-on-the-dead');
      else if (kind === 'processGone') this.ports.violate('5.8', `${one.process} is said to be gone, and lives.`);
      else this.stopBeforeSteal(process, one, data.incarnation);
      // Who leads another life already is not failed by it: its log went back.
      const lives = process !== null && this.ports.trusted(process.name)?.incarnation === data.incarnation;
      if (process !== null && kind === 'silence' && (lives || this.ports.restored(process.name).sinceMs === Infinity))
        this.falseVerdict(process, `${serviceId} (${one.process}) is marked failed by ${data.observer}`);
    }
    if (one.ended === null) one.endedAt = this.ports.now();
    one.ended ??= 'failed';
  }

  /** 5.10, 5.13: what may still run somewhere moves after a full failAfter. */
  early(stream: string, decoded: readonly ReturnType<typeof decode>[]): void {
    for (const event of decoded) {
      if (event.type !== 'JobRequeued') continue;
      const jobId = stream.slice(stream.indexOf('-') + 1);
      const owner = this.ports.incarnations.get(event.data.fromIncarnation);
      if (owner === undefined) continue;
      const { failAfterMs, clockRateError } = this.ports.liveness;
      const waited = this.ports.now() - owner.endedAt >= failAfterMs * (1 - clockRateError);
      if (waited || owner.confirmedDead) continue;
      const wasOpen = decoded.some(({ type }) => type === 'JobRunAbandoned');
      if (event.data.cause === 'stopped' && owner.leftovers.includes(jobId))
        this.ports.violate(
          '5.10',
          `${jobId} was left over by ${owner.process}, and moves ${Math.round(this.ports.now() - owner.endedAt)} ms after its stop.`,
        );
      if (event.data.cause === 'marked' && wasOpen)
        this.ports.violate(
          '5.13',
          `${jobId} ran in ${owner.process}, and moves ${Math.round(this.ports.now() - owner.endedAt)} ms after an operator's mark.`,
        );
    }
  }

  /** 5.6: when a verdict lands its subject has stopped. A pause excuses nothing: trust runs out by the clocks, whether anything runs or not. */
  private stopBeforeSteal(process: SimulatedProcess, { serviceId }: JudgedIncarnation, incarnation: string): void {
    const trusted = this.ports.trusted(process.name);
    if (trusted === null || trusted.incarnation !== incarnation || trusted.fence !== null) return;
    this.ports.violate('5.6', `${serviceId} is marked failed, and ${process.name} trusts itself.`);
  }

  /** I9: nobody is failed for what an observer suffers, nor for an outage of the log. */
  private falseVerdict(process: SimulatedProcess, words: string): void {
    const { liveness, troubles } = this.ports;
    const now = this.ports.now();
    this.ports.note('false-verdict');
    const since = now - 2 * liveness.failAfterMs;
    if (process.pausedWithin(since, now) >= liveness.selfFenceAfterMs / 4) return;
    if (troubles.befell(process.place, since, now)) return;
    this.ports.violate('I9', `${words}, and nothing was wrong with it within ${2 * liveness.failAfterMs} ms.`);
  }

  /** 6: what was bound by a log that is lost moves when its owner has been silent for as long as any other. */
  unregistered(jobId: string, incarnation: string, boundAt: number): void {
    this.ports.note('requeued-from-the-unregistered');
    const { failAfterMs, clockRateError } = this.ports.liveness;
    if (this.ports.incarnations.has(incarnation))
      this.ports.violate('6', `${jobId} is requeued from ${incarnation} as unregistered, and the log registers it.`);
    const ms = Math.round(this.ports.now() - boundAt);
    if (ms < failAfterMs * (1 - clockRateError))
      this.ports.violate('6', `${jobId} is requeued as bound to the unregistered, ${ms} ms after it was bound.`);
  }
}
