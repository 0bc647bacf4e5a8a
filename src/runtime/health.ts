import type { DeclarationsHealth } from '../declarations';

/** One thing that readiness looks at. */
export interface HealthCheck {
  readonly ok: boolean;
  /** In words. */
  readonly detail: string;
}

export interface ZoneDataHealth {
  /** `process.versions.tz` of this process. */
  readonly own: string;
  /** Living services of which another is known, by id. */
  readonly differing: readonly { readonly serviceId: string; readonly zoneData: string }[];
}

/** What `/health/ready` and operators see. Ready = every check is ok. */
export interface Readiness {
  readonly ready: boolean;
  readonly serviceId: string;
  readonly role: 'worker' | 'web-only';
  readonly checks: {
    /** The log answers. */
    readonly store: HealthCheck;
    /** The view has applied what the log has. */
    readonly view: HealthCheck;
    /** This incarnation is registered and trusts itself; always ok for a web-only replica. */
    readonly trust: HealthCheck;
  };
  /** By which zone data this process computes slots, and which living services differ: an alarm, but not part of `ready`. */
  readonly zoneData: ZoneDataHealth;
  /** How far what the code declares has been brought into the log. Not part of `ready`. */
  readonly declarations: DeclarationsHealth;
}
