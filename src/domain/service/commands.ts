import type { Instant } from '../instant';
import type { Capacity, Labels, ProcessIdentity, ServiceMarkedFailed, ServiceStopped } from './events';

/** What `decideService` is asked about one service. Time and everything about processes come in as values. */
export type ServiceCommand = RegisterService | ReassertService | MarkServiceFailed | StartDrain | StopService;

interface Common {
  /** Cluster time of the decider. */
  readonly at: Instant;
}

/** What an observer holds against an incarnation, as it is recorded in ServiceMarkedFailed. */
export type ObserverEvidence = Extract<ServiceMarkedFailed['data'], { by: 'observer' }>['evidence'];

interface Observation {
  /** Incarnation that is judged. */
  readonly incarnation: string;
  readonly observer: string;
  readonly observerIncarnation: string;
  readonly evidence: ObserverEvidence;
  /**
   * Revision of the service stream in the view that holds the evidence. The verdict is valid at this revision only:
   * at another it is refused with `evidence-outdated`, and silence is measured anew (protocol 5.5).
   */
  readonly viewRevision: number;
}

/** A process begins a life under this service id. The same incarnation again adds nothing. */
export interface RegisterService extends Common {
  readonly kind: 'RegisterService';
  readonly serviceId: string;
  /** New UUIDv7. */
  readonly incarnation: string;
  readonly labels: Labels;
  readonly capacity: Capacity;
  readonly handlers: { readonly [handler: string]: string };
  readonly process: ProcessIdentity;
  readonly placementVersion: number;
  readonly reason: 'start' | 'falselyFailed';
  /** `process.versions.tz`. */
  readonly zoneData: string;
  /**
   * What ends a former incarnation that has neither failed nor stopped, in the same append. Null: there is none to end.
   * Not needed, and ignored, once the former one has ended.
   */
  readonly supersede: Observation | null;
}

/** A fenced incarnation returns: nobody has judged it. */
export interface ReassertService extends Common {
  readonly kind: 'ReassertService';
  /** The same return sent again adds nothing; nothing else tells it from the next one. */
  readonly commandId?: string;
  readonly incarnation: string;
  readonly fencedForMs: number;
}

export type MarkServiceFailed = ObserverMarksFailed | OperatorMarksFailed;
/** A verdict. Never decided anew after a conflict. */
export interface ObserverMarksFailed extends Common, Observation {
  readonly kind: 'MarkServiceFailed';
  readonly by: 'observer';
}
export interface OperatorMarksFailed extends Common {
  readonly kind: 'MarkServiceFailed';
  readonly by: 'operator';
  readonly commandId: string;
  readonly actor: string;
  readonly reason: string;
  /** The operator vouches that the process is dead. A later mark may add it. */
  readonly confirmedDead: boolean;
  /** Default: the newest one. */
  readonly incarnation?: string;
}

/** By the service itself, or on request. */
export interface StartDrain extends Common {
  readonly kind: 'StartDrain';
  readonly commandId?: string;
  /** Default: the newest one. */
  readonly incarnation?: string;
  readonly reason: string;
}

/** By the service itself, at the end of its drain. */
export interface StopService extends Common {
  readonly kind: 'StopService';
  readonly incarnation: string;
  readonly leftovers: ServiceStopped['data']['leftovers'];
}
