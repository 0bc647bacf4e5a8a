import { readFileSync } from 'node:fs';
import type { Affinity, Tag } from 'holdfast';
import type { AuditSpec } from './audit';

/** An audit as `audits.json` describes it: its window may be said in seconds from when it is handed in. */
type AuditFile = AuditSpec & { readonly startsInS?: number; readonly endsInS?: number };

/** An audit of the demo, and what the judge needs to know of it. */
export interface DemoAudit {
  readonly id: string;
  readonly spec: AuditSpec;
  /** The spec with its window, when it is handed in at `now` (ms since the epoch). */
  readonly specAt: (now: number) => AuditSpec;
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

export function readAudits(path: string): DemoAudit[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as AuditFile[]).map(({ startsInS, endsInS, ...spec }) => {
    const { id, tag = {}, affinity = 'required', type, interval = '' } = spec;
    const step = /^(?:\*\/|PT)?(\d+)/.exec(id === parts.changed ? changedInterval : interval)?.[1] ?? '0';
    const specAt = (now: number): AuditSpec => ({
      ...spec,
      ...(startsInS !== undefined && { start: new Date(now + startsInS * 1_000).toISOString() }),
      ...(endsInS !== undefined && { end: new Date(now + endsInS * 1_000).toISOString() }),
    });
    const runsAtOnce = type !== 'EVENT' && startsInS === undefined;
    return { id, spec, specAt, tag, affinity, periodMs: Number(step) * 1_000, runsAtOnce };
  });
}

/** Whether an engine of these labels may be given the audit at all. */
export function rightful(audit: DemoAudit, labels: Tag): boolean {
  return audit.affinity === 'preferred' || Object.entries(audit.tag).every(([key, value]) => labels[key] === value);
}
