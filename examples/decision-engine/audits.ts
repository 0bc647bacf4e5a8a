import { readFileSync } from 'node:fs';
import type { Affinity, Tag } from 'holdfast';
import type { AuditSpec } from './audit';

/** An audit as `audits.json` describes it: a spec whose window may be said in seconds from the start of the demo. */
type AuditFile = AuditSpec & { readonly startsInS?: number; readonly endsInS?: number };

/** An audit of the demo, and what the judge needs to know of it. */
export interface DemoAudit {
  readonly id: string;
  readonly spec: AuditSpec;
  readonly tag: Tag;
  readonly affinity: Affinity;
  /** Longest time between two slots, ms; 0: it has at most one. */
  readonly periodMs: number;
  /** It runs as soon as somebody has it. */
  readonly runsAtOnce: boolean;
}

/** Audits that have a part of their own in the story. */
export const parts = {
  /** Somebody dies in the middle of it. */
  victim: 'audit-long-home-c',
  /** Suspended before its owner dies, resumed after. */
  suspended: 'audit-suspended-home-c',
  /** Its interval of a minute becomes one of two seconds. */
  changed: 'audit-changed',
  /** Triggered from outside, before the death and after. */
  event: 'audit-event',
  cancelled: 'audit-cancelled',
  /** Its window ends in the midst of the story. */
  ending: 'audit-ending',
  /** It belongs to the one that dies, and has nothing to do before tomorrow. */
  tomorrow: 'audit-tomorrow-home-c',
} as const;

export const changedInterval = '2';

/** @param now ms since the epoch, from which `startsInS` and `endsInS` count. */
export function readAudits(path: string, now: number): DemoAudit[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as AuditFile[]).map(({ startsInS, endsInS, ...file }) => {
    const spec: AuditSpec = {
      ...file,
      ...(startsInS !== undefined && { start: new Date(now + startsInS * 1_000).toISOString() }),
      ...(endsInS !== undefined && { end: new Date(now + endsInS * 1_000).toISOString() }),
    };
    const { id, tag = {}, affinity = 'required', type, interval = '', start } = spec;
    const step = /^(?:\*\/|PT)?(\d+)/.exec(id === parts.changed ? changedInterval : interval)?.[1] ?? '0';
    const runsAtOnce = type !== 'EVENT' && start === undefined;
    return { id, spec, tag, affinity, periodMs: Number(step) * 1_000, runsAtOnce };
  });
}

/** Whether an engine of these labels may be given the audit at all. */
export function rightful(audit: DemoAudit, labels: Tag): boolean {
  return audit.affinity === 'preferred' || Object.entries(audit.tag).every(([key, value]) => labels[key] === value);
}
