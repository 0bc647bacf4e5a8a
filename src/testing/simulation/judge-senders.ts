import type { LogPosition } from '../../event-store';
import type { Bench, JudgePorts } from './judged';
import type { AppendSeen } from './simulated-connection';
import type { SimulatedProcess } from './simulated-process';

/** What only a worker says. */
const ofWorkers: ReadonlySet<string> = new Set([
  'ServiceRegistered',
  'ServiceHeartbeat',
  'ServiceReasserted',
  'ServiceStopped',
  'JobRunStarted',
  'JobRequeued',
]);
/** A claim that was decided in time may be sent so much later, ms. */
const CLAIM_LATER_MS = 2_000;

/** Judges who may send what (5.12, 5.14), and that whoever lives knows which log this is (6). */
export class JudgeSenders {
  /** Ids of claims that were sent before: whether they have landed is not known, so they are sent again, as they were decided (3.2). */
  private readonly sentBefore = new Set<string>();

  constructor(private readonly ports: Bench & Pick<JudgePorts, 'webOnly'>) {}

  /** 5.12: whoever knows that its view is behind neither beats nor claims. @param view where it stands. */
  sent(process: SimulatedProcess, { stream, events }: AppendSeen, view: LogPosition): void {
    const { type, data } = events[events.length - 1];
    if (this.ports.webOnly(process)) return this.sentByWeb(process, events);
    const beats = type === 'ServiceHeartbeat';
    if (!beats && !events.some(({ type }) => type === 'JobRequeued')) return;
    const [{ id }] = events;
    if (!beats && this.sentBefore.has(id)) return this.ports.note('claim-sent-again');
    if (!beats) this.sentBefore.add(id);
    // Before the view shows its own registration it owns nothing.
    const life = beats ? this.ports.incarnations.get((JSON.parse(data) as { incarnation: string }).incarnation) : null;
    if (life === undefined || view === 'start' || view < (life?.position ?? 0n)) return;
    const behind = process.told.viewBehindMs(view);
    if (behind <= this.ports.liveness.failAfterMs + (beats ? 0 : CLAIM_LATER_MS)) return;
    this.ports.violate(
      '5.12',
      `${process.name} sends ${type} to ${stream}, and its view is ${Math.round(behind)} ms behind.`,
    );
  }

  /** 5.14: who serves requests only does what people ask for. */
  private sentByWeb(process: SimulatedProcess, events: AppendSeen['events']): void {
    for (const { type, data } of events)
      if (
        ofWorkers.has(type) ||
        (type === 'ServiceMarkedFailed' && (JSON.parse(data) as { by: string }).by === 'observer')
      )
        this.ports.violate('5.14', `${process.name} serves requests only, and appends ${type}.`);
  }

  /** 6: when all is well again whoever lives has noticed which log this is. */
  knowsTheLog(process: string): void {
    if (this.ports.restored(process).unaware)
      this.ports.violate('6', `${process} has not noticed that the log went back in time.`);
  }
}
