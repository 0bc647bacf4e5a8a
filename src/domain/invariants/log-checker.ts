import type { DomainEvent } from '../codec/domain-event';
import type { JobEvent } from '../job/events';
import type { ServiceEvent } from '../service/events';
import { checkJobEvent } from './job-rules';
import { JobTrack } from './job-track';
import type { CheckedCategory, LoggedEvent } from './logged-event';
import { ServiceFacts } from './service-facts';
import { StreamOrder } from './stream-order';
import type { InvariantName, Report, Violation } from './violation';

const categories: readonly CheckedCategory[] = ['job', 'service', 'heartbeat'];

export interface LogCheckerOptions {
  /** What stands before the category (`acme` for `acme.job-…`). Default: nothing. Streams outside it are looked at for their position only. */
  readonly namespace?: string;
}

/**
 * Checks a log against the invariants of protocol §11, event by event, from the beginning and in log order. What it keeps per job is bounded.
 *
 * It reports facts that their decider would have refused; it goes on with what the log says, so one broken rule is reported once.
 * A job (or service) with an event that cannot be read is not judged from there on; that is no violation.
 * Duplicate event ids are found within 64 events of one stream.
 */
export class LogChecker {
  private readonly prefix: string;
  private readonly services = new ServiceFacts();
  private readonly tracks = new Map<string, JobTrack>();
  private readonly order = new StreamOrder();
  private last: bigint | null = null;

  constructor(options: LogCheckerOptions = {}) {
    this.prefix = options.namespace ? `${options.namespace}.` : '';
  }

  /** Jobs seen so far. */
  get jobs(): number {
    return this.tracks.size;
  }

  /** The next event of the log. @returns what it breaks; empty: nothing. */
  check(logged: LoggedEvent): Violation[] {
    const violations: Violation[] = [];
    const { stream, revision, position, id, event } = logged;
    const report = (invariant: InvariantName, words: string): void => {
      violations.push({ invariant, stream, revision, position, eventId: id, words });
    };
    if (this.last !== null && position <= this.last) {
      report('log', `Position ${position} does not come after ${this.last}.`);
    }
    this.last = position;
    const place = this.placeOf(stream);
    if (place === null) return violations;
    this.order.check(stream, place.category, logged, report);
    try {
      if (place.category === 'job') this.checkJob(place.id, logged, report);
      else if (place.category === 'service') this.checkService(place.id, logged, report);
      else if (event.type !== '$unreadable' && event.type !== 'ServiceHeartbeat') {
        report('log', `${event.type} stands in a stream of heartbeats.`);
      }
    } catch (error) {
      // A field that the codec lets pass can still be no instant or no position.
      const why = error instanceof Error ? error.message : String(error);
      report('transition', `${event.type} cannot be judged: ${why}.`);
    }
    return violations;
  }

  /** At the end of the log: what was left half-way. */
  finish(): Violation[] {
    return [...this.tracks].flatMap(([stream, { requeued }]) =>
      requeued === null
        ? []
        : [
            {
              invariant: 'transition' as const,
              stream,
              revision: requeued.revision,
              position: requeued.position,
              eventId: requeued.id,
              words: 'JobRequeued says neither who takes the job nor why nobody does, and nothing follows it.',
            },
          ],
    );
  }

  private placeOf(stream: string): { readonly category: CheckedCategory; readonly id: string } | null {
    for (const category of categories) {
      const start = `${this.prefix}${category}-`;
      if (stream.startsWith(start)) return { category, id: stream.slice(start.length) };
    }
    return null;
  }

  private checkJob(jobId: string, logged: LoggedEvent, report: Report): void {
    const { stream, event } = logged;
    let track = this.tracks.get(stream);
    if (track === undefined) this.tracks.set(stream, (track = new JobTrack()));
    if (event.type === '$unreadable') track.opaque = true;
    else if (!isJobEvent(event)) report('log', `${event.type} stands in the stream of a job.`);
    else if (!track.opaque || event.type === 'JobBooksClosed') {
      checkJobEvent(track, jobId, event, logged, this.services, report);
    }
  }

  private checkService(serviceId: string, { event, position, origin = null }: LoggedEvent, report: Report): void {
    this.services.place(position, origin);
    if (event.type === '$unreadable') this.services.markUnreadable(serviceId);
    else if (!isServiceEvent(event)) report('log', `${event.type} stands in the stream of a service.`);
    else this.services.check(serviceId, event, position, report);
  }
}

function isJobEvent(event: DomainEvent): event is JobEvent {
  return event.type.startsWith('Job');
}
function isServiceEvent(event: DomainEvent): event is ServiceEvent {
  return event.type.startsWith('Service') && event.type !== 'ServiceHeartbeat';
}
