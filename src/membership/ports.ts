import type { Clock, Random } from '../clock';
import type { Capacity, Labels } from '../domain/service';
import type { EventStore, LogPosition } from '../event-store';
import type { Logger } from '../logging';
import type { MembershipCommands } from './facts';
import type { LivenessOptions } from './options';
import type { Processes } from './process-identity';

export interface MembershipPorts {
  readonly store: EventStore;
  readonly commands: MembershipCommands;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Own jobs and runs, for the beat. */
  readonly counts: () => { readonly owned: number; readonly running: number };
  /** Resolves when the view has applied everything up to this position. */
  readonly viewApplied: (position: bigint) => Promise<void>;
  /** The view's checkpoint. With it, a view further behind than failAfter stops the beats (protocol 5.12). */
  readonly viewPosition?: () => LogPosition;
  /** A pass over the due queue is wanted before the next beat is due. */
  readonly wantPass?: () => void;
  /** The log went back in time: whatever was remembered of it is worth nothing. Called before it is read anew. */
  readonly onLogWentBack?: () => void;
  /** Default: those of the machine. */
  readonly processes?: Processes;
}

export interface MembershipOptions {
  readonly serviceId: string;
  readonly labels: Labels;
  readonly capacity: Capacity;
  readonly handlers: { readonly [handler: string]: string };
  readonly namespace: string;
  readonly liveness: LivenessOptions;
  /** One kernel serves all processes of this log (the embedded one): another boot id proves a process gone. */
  readonly sharedKernel: boolean;
}
