import type { DeclarationsHealth } from '../declarations';

/** One thing that readiness looks at. */
export interface HealthCheck {
  readonly ok: boolean;
  /** In words. */
  readonly detail: string;
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
  /** How far what the code declares has been brought into the log. Not part of `ready`. */
  readonly declarations: DeclarationsHealth;
}
