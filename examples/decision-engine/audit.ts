import { jobType, type Affinity, type JsonValue, type Tag } from 'holdfast';
import type { Scope } from './cluster/scope';
import type { Parameters } from './strategies';

/**
 * ONESHOT: once, as soon as possible. CONTINUOUS: by its interval, within its window. EVENT: whenever it is triggered from outside.
 */
export type AuditType = 'ONESHOT' | 'CONTINUOUS' | 'EVENT';
export const auditTypes: readonly AuditType[] = ['ONESHOT', 'CONTINUOUS', 'EVENT'];

/** An audit as people hand it in. */
export interface AuditSpec {
  /** Id of the audit, and of its job. */
  readonly id: string;
  readonly type: AuditType;
  /** What it wants: `server-consolidation`, `workload-balancing`, `dummy`. */
  readonly goal: string;
  /** The way to it; default the first of the goal. */
  readonly strategy?: string;
  /** Of the strategy; what is left out has its default. */
  readonly parameters?: Parameters;
  /** The part of the cluster that it may touch; default all. */
  readonly scope?: Scope;
  /** CONTINUOUS only, and there it must be: seconds (`300`), an ISO 8601 duration (`PT5M`), or a cron pattern. */
  readonly interval?: string;
  /** IANA zone of a cron pattern; default UTC. */
  readonly zone?: string;
  /** CONTINUOUS only: no run before this instant (ISO 8601). */
  readonly start?: string;
  /** CONTINUOUS only: no run from this instant on; then the audit is SUCCEEDED. */
  readonly end?: string;
  /** Which engines may have it; default any. */
  readonly tag?: Tag;
  readonly affinity?: Affinity;
  /** How long this machine is observed in each run, ms; default 0: one look. */
  readonly observeMs?: number;
}

/** What may change while an audit lives. It holds from the next run on; `null` takes a bound of the window away. */
export type AuditChanges = Partial<Omit<AuditSpec, 'id' | 'type' | 'start' | 'end'>> & {
  readonly start?: string | null;
  readonly end?: string | null;
};

/** Payload of the job: the audit with every default filled in. */
export interface AuditPayload {
  readonly type: AuditType;
  readonly goal: string;
  readonly strategy: string;
  readonly parameters: Parameters;
  readonly scope: Scope;
  readonly interval: string | null;
  readonly zone: string | null;
  readonly start: string | null;
  readonly end: string | null;
  readonly observeMs: number;
}

export const Audit = jobType<AuditPayload>('audit');

export type { JsonValue };
