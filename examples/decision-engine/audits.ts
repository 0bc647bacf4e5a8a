import { readFileSync } from 'node:fs';
import type { Affinity, ScheduleInput, Tag } from 'holdfast';
import type { AuditPayload, Measure } from './audit';

/** A continuous audit as `audits.json` describes it: exactly one of `every` (ISO 8601 duration), `cron` (with `zone`) and `once`. */
interface AuditFile {
  readonly id: string;
  readonly every?: string;
  readonly cron?: string;
  readonly zone?: string;
  readonly once?: boolean;
  readonly tag?: Tag;
  readonly affinity?: Affinity;
  readonly goal: { readonly measure: Measure; readonly below: number };
  readonly observeMs?: number;
}

export interface AuditDefinition {
  readonly id: string;
  readonly schedule: ScheduleInput;
  readonly tag: Tag;
  readonly affinity: Affinity;
  readonly payload: AuditPayload;
  readonly once: boolean;
  /** Longest time between two slots, ms; 0 for a once. */
  readonly periodMs: number;
}

const seconds = /^PT(\d+)S$/;

export function readAudits(path: string): AuditDefinition[] {
  return (JSON.parse(readFileSync(path, 'utf8')) as AuditFile[]).map((file) => {
    const schedule: ScheduleInput = file.cron
      ? { kind: 'cron', pattern: file.cron, zone: file.zone }
      : file.every
        ? { kind: 'interval', every: file.every }
        : { kind: 'once' };
    const step = file.every ? seconds.exec(file.every)?.[1] : file.cron ? /\*\/(\d+)/.exec(file.cron)?.[1] : '0';
    return {
      id: file.id,
      schedule,
      tag: file.tag ?? {},
      affinity: file.affinity ?? 'required',
      payload: { goal: file.goal, observeMs: file.observeMs ?? 0 },
      once: file.once ?? false,
      periodMs: Number(step ?? 0) * 1_000,
    };
  });
}

/** Whether an engine of these labels may be given the audit at all. */
export function rightful(audit: AuditDefinition, labels: Tag): boolean {
  return audit.affinity === 'preferred' || Object.entries(audit.tag).every(([key, value]) => labels[key] === value);
}
