import type { ClusterTime } from '../clock';

/** Why handlers must stop or may not start. */
export type FenceReason =
  | 'not-registered'
  /** Trust expired: no beat was acknowledged in time. */
  | 'trust-expired'
  /** The wall clock jumped against the monotonic one: doubt, until a beat and a leader read say otherwise. */
  | 'clock-jump'
  | 'marked-failed'
  /** Another process registered under this service id after us. */
  | 'superseded'
  | 'log-went-back'
  | 'stopped';

/**
 * Own trust (protocol 5.2). `check` is synchronous: a comparison of clocks, no I/O.
 */
export interface Trust {
  /** null: trusted now. */
  check(): FenceReason | null;
  /** How long the present trust still runs, ms; ≤ 0 when fenced. */
  remainingMs(): number;
  /** Resolves when a doubt has been settled (true: trusted; false: fenced). At once when there is none. */
  settled(): Promise<boolean>;
  /** Called when an incarnation becomes fenced, once per fence. Returns how to stop it. */
  onFence(listener: (fence: { readonly incarnation: string; readonly reason: FenceReason }) => void): () => void;
  /** Called when the process is trusted (again): after registration was read back, or reassertion. */
  onTrust(listener: (trust: { readonly incarnation: string; readonly returned: boolean }) => void): () => void;
}

export type MembershipState =
  | 'idle'
  /** Another process bears this service id; observing whether it is silent. */
  | 'observing'
  | 'registering'
  | 'registered'
  | 'fenced'
  | 'identity-conflict'
  | 'marked'
  | 'draining'
  | 'stopped';

export interface MembershipHealth {
  readonly state: MembershipState;
  readonly serviceId: string;
  readonly incarnation: string | null;
  readonly trustRemainingMs: number;
  /** Age of the own watermark, ms; null before the first own beat was read back. */
  readonly watermarkAgeMs: number | null;
  /** In words, when it is not healthy. */
  readonly detail: string | null;
}

/** What the other rooms see of membership. */
export interface Membership {
  readonly serviceId: string;
  readonly trust: Trust;
  readonly clusterTime: ClusterTime;
  /** The registered incarnation of this process that is alive (fenced or not); null: none. */
  incarnation(): string | null;
  /** Every incarnation that this process ever registered. */
  isOwn(incarnation: string): boolean;
  /** May bind jobs now: registered, own registration read back, trusted, not draining, own watermark younger than selfFenceAfter. */
  mayClaim(): boolean;
  draining(): boolean;
  /**
   * A full failAfter of silence has been measured after an operator's mark or a stop of this incarnation (5.10, 5.13). Of an incarnation that nothing
   * in the log registers: since this was asked of it first; so asking begins the measurement.
   */
  silentSinceEnd(incarnation: string): boolean;
  /** Observed silence per live peer, ms, for display. */
  silences(): readonly {
    readonly serviceId: string;
    readonly incarnation: string;
    readonly silenceMs: number;
    readonly thresholdMs: number;
  }[];
  /** The worker tells that a pass over its due queue was completed; a beat is sent only after one (5.1). */
  passCompleted(): void;
  health(): MembershipHealth;
}
