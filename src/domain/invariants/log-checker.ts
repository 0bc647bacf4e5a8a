import type { DomainEvent } from '../codec/domain-event';
import type { JobEvent } from '../job/events';
import type { ServiceEvent } from '../service/events';
import { checkJobEvent, type LogFacts } from './job-rules';
import { JobTrack, type EndedJob } from './job-track';
import type { CheckedCategory, LoggedEvent } from './logged-event';
import { overdueWords } from './overdue';
import { ServiceFacts } from './service-facts';
import { StreamOrder } from './stream-order';
import { SuspectRuns } from './suspect-runs';
import type { InvariantName, Report, Violation } from './violation';

const categories: readonly CheckedCategory[] = ['job', 'service', 'heartbeat'];

export interface LogCheckerOptions {
  /** What stands before the category (`acme` for `acme.job-…`). Default: nothing. Streams outside it are looked at for their position only. */
  readonly namespace?: string;
}

/** One stream, and what is kept of it. */
interface Place {
  readonly category: CheckedCategory;
  readonly id: string;
  readonly order: StreamOrder;
  job: JobTrack | EndedJob | null;
}

/**
 * Checks a log against the invariants of protocol §11, event by event, from the beginning and in log order. What it keeps is bounded by what lives: per
 * job a bounded state, per job that has ended a few numbers; runs that are closed cost nothing.
 *
 * It reports facts that their decider would have refused; it goes on with what the log says, so one broken rule is reported once.
 * A job (or service) with an event that cannot be read is not judged from there on; that is no violation.
 * Duplicate event ids are found within 64 events of one stream (4 of a job that has ended).
 */
export class LogChecker {
  private readonly prefix: string;
  private readonly services = new ServiceFacts();
  private readonly facts: LogFacts = { services: this.services, suspects: new SuspectRuns() };
  private readonly places = new Map<string, Place>();
  private last: bigint | null = null;
  private lastCreated = 0;
  private jobCount = 0;

  constructor(options: LogCheckerOptions = {}) {
    this.prefix = options.namespace ? `${options.namespace}.` : '';
  }

  /** Jobs seen so far. */
  get jobs(): number {
    return this.jobCount;
  }

  /** The next event of the log. @returns what it breaks; empty: nothing. */
  check(logged: LoggedEvent): readonly Violation[] {
    let violations: Violation[] | null = null;
    const { stream, revision, position, id, event, created } = logged;
    const report = (invariant: InvariantName, words: string): void => {
      (violations ??= []).push({ invariant, stream, revision, position, eventId: id, words });
    };
    if (this.last !== null && position <= this.last) {
      report('log', `Position ${position} does not come after ${this.last}.`);
    }
    this.last = position;
    if (created > this.lastCreated) this.lastCreated = created;
    const place = this.places.get(stream) ?? this.placeOf(stream);
    if (place === null) return violations ?? nothing;
    place.order.check(place.category, logged, report);
    try {
      if (place.category === 'job') this.checkJob(place, logged, report);
      else if (place.category === 'service') this.checkService(place.id, logged, report);
      else if (event.type === 'ServiceHeartbeat') this.services.beat(event.data.incarnation, created);
      else if (event.type !== '$unreadable') report('log', `${event.type} stands in a stream of heartbeats.`);
    } catch (error) {
      // A field that the codec lets pass can still be no instant or no position.
      const why = error instanceof Error ? error.message : String(error);
      report('transition', `${event.type} cannot be judged: ${why}.`);
    }
    return violations ?? nothing;
  }

  /** At the end of the log: what was left half-way, and what nobody has taken up. */
  finish(): Violation[] {
    const violations: Violation[] = [];
    for (const [stream, { id, job }] of this.places) {
      if (!(job instanceof JobTrack)) continue;
      if (job.requeued !== null) {
        const { revision, position, id: eventId } = job.requeued;
        const words = 'JobRequeued says neither who takes the job nor why nobody does, and nothing follows it.';
        violations.push({ invariant: 'transition', stream, revision, position, eventId, words });
      }
      for (const { words: run, revision, position, id: eventId } of job.opaque ? [] : job.givenUp) {
        const words = `${run}, and no JobRequeued says why its owner is gone.`;
        violations.push({ invariant: 'transition', stream, revision, position, eventId, words });
      }
      const facts = job.owner === null ? null : this.services.incarnation(job.owner.incarnation);
      if (facts === null || facts.end === null || job.opaque) continue;
      const words = overdueWords(job, facts, this.lastCreated, this.services);
      if (words === null) continue;
      const { revision, position, eventId } = facts.end;
      const ended = `${this.prefix}service-${facts.serviceId}`;
      violations.push({ invariant: 'I5', stream: ended, revision, position, eventId, words: `Job ${id} ${words}` });
    }
    return violations;
  }

  private placeOf(stream: string): Place | null {
    for (const category of categories) {
      const start = `${this.prefix}${category}-`;
      if (!stream.startsWith(start)) continue;
      const place = { category, id: stream.slice(start.length), order: new StreamOrder(), job: null };
      this.places.set(stream, place);
      if (category === 'job') this.jobCount += 1;
      return place;
    }
    return null;
  }

  private checkJob(place: Place, logged: LoggedEvent, report: Report): void {
    const { event } = logged;
    const { job } = place;
    const track = job instanceof JobTrack ? job : job === null ? new JobTrack() : JobTrack.of(job);
    place.job = track;
    if (event.type === '$unreadable') track.opaque = true;
    else if (!isJobEvent(event)) report('log', `${event.type} stands in the stream of a job.`);
    else if (!track.opaque || event.type === 'JobBooksClosed') {
      checkJobEvent(track, place.id, event, logged, this.facts, report);
      const ended = track.ended();
      if (ended === null) return;
      place.job = ended;
      place.order.shrink();
    }
  }

  private checkService(serviceId: string, logged: LoggedEvent, report: Report): void {
    const { event, position, origin = null } = logged;
    this.services.place(position, origin);
    if (event.type === '$unreadable') this.services.markUnreadable(serviceId);
    else if (!isServiceEvent(event)) report('log', `${event.type} stands in the stream of a service.`);
    else this.services.check(serviceId, event, logged, report);
  }
}

const nothing: readonly Violation[] = [];

function isJobEvent(event: DomainEvent): event is JobEvent {
  return event.type.startsWith('Job');
}
function isServiceEvent(event: DomainEvent): event is ServiceEvent {
  return event.type.startsWith('Service') && event.type !== 'ServiceHeartbeat';
}
