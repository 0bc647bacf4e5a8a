import type { Instant } from '../instant';

/** The facts of one service (`service-<serviceId>`), and its beats (`heartbeat-<serviceId>`). Every event carries `at`: the author's cluster time. */
export type ServiceEvent =
  ServiceRegistered | ServiceReasserted | ServiceMarkedFailed | ServiceDrainStarted | ServiceStopped;

interface Fact<Type extends string, Data> {
  readonly type: Type;
  readonly data: Readonly<Data> & { readonly at: Instant; readonly commandId?: string };
}

/** A flat dictionary of strings; `host` and `name` are always among them. */
export type Labels = { readonly [key: string]: string };

export interface Capacity {
  /** Placement gives it no more than this many jobs. */
  readonly maxOwnedJobs: number;
  /** Runs at the same time in this process. */
  readonly maxConcurrentRuns: number;
}

/** How another process on the same kernel can prove that this one is gone; null where the platform does not tell. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly bootId: string | null;
  readonly pidNamespace: string | null;
  /** Start time of the process in clock ticks since boot (/proc/<pid>/stat field 22). */
  readonly startTicks: string | null;
}

export type ServiceRegistered = Fact<
  'ServiceRegistered',
  {
    serviceId: string;
    /** UUIDv7 of this registration. */
    incarnation: string;
    labels: Labels;
    capacity: Capacity;
    /** Handler name → version. */
    handlers: { readonly [handler: string]: string };
    process: ProcessIdentity;
    /** Version of the placement function that this process uses. */
    placementVersion: number;
    /** `process.versions.tz`: services that differ compute other slots. Absent: registered before this was recorded. */
    zoneData?: string;
    /** Why it registered: `start`, or `falselyFailed` after a verdict on a living process. */
    reason: 'start' | 'falselyFailed';
  }
>;
/** A fenced incarnation is back: nobody had judged it (exact revision). */
export type ServiceReasserted = Fact<
  'ServiceReasserted',
  { serviceId: string; incarnation: string; fencedForMs: number }
>;

export type ServiceMarkedFailed = Fact<
  'ServiceMarkedFailed',
  { serviceId: string; incarnation: string } & (
    | {
        by: 'observer';
        /** Service id of the observer. */
        observer: string;
        observerIncarnation: string;
        /** `silence`: measured; `processGone`: proven on the same kernel by a newcomer of the same id. */
        evidence: {
          kind: 'silence' | 'processGone';
          /** Sequence of the last beat seen; −1: none since the registration. */
          lastBeat: number;
          silenceMs: number;
          thresholdMs: number;
          /** Position of the membership subscription that held the evidence, decimal. */
          membershipPosition: string;
        };
      }
    | {
        by: 'operator';
        actor: string;
        reason: string;
        /** The operator vouches that the process is dead: running jobs move at once. */
        confirmedDead: boolean;
      }
  )
>;
export type ServiceDrainStarted = Fact<
  'ServiceDrainStarted',
  { serviceId: string; incarnation: string; reason: string }
>;
export type ServiceStopped = Fact<
  'ServiceStopped',
  {
    serviceId: string;
    incarnation: string;
    /** Jobs whose handlers had not settled when it stopped: requeued only after failAfter. */
    leftovers: readonly { readonly jobId: string; readonly slot: string; readonly attempt: number }[];
  }
>;

/** Technical; appended with `any` to `heartbeat-<serviceId>`; nothing is decided on it by revision. */
export interface ServiceHeartbeat {
  readonly type: 'ServiceHeartbeat';
  readonly data: {
    readonly at: Instant;
    readonly serviceId: string;
    readonly incarnation: string;
    /** From 1, +1 per beat sent by this incarnation. */
    readonly sequence: number;
    readonly owned: number;
    readonly running: number;
    /** Largest event-loop delay since the last beat, ms. */
    readonly loopDelayMs: number;
    /** Own wall clock − cluster time, ms. */
    readonly clockSkewMs: number;
    /** A suspecting observer asked for this one (protocol 5.3). */
    readonly probe: boolean;
  };
}
