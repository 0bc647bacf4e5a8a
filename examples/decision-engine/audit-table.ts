import type { AuditView } from './audit-desk';

/** Audits, one a line: state, who has it, when it runs next, what it is. `now`: ms since the epoch. */
export function auditTable(audits: readonly AuditView[], now: number): string {
  const rows = audits.map((audit) => [
    audit.id,
    audit.type,
    audit.state,
    audit.owner ?? '–',
    audit.nextRun === null ? '–' : inWords(audit.nextRun - now),
    audit.interval ?? '–',
    `${audit.goal} (${audit.strategy})`,
    outcomeWords(audit),
  ]);
  const all = [['audit', 'type', 'state', 'owner', 'next run', 'interval', 'goal', 'last run'], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function outcomeWords({ lastOutcome }: AuditView): string {
  if (lastOutcome === null) return '–';
  const { outcome, attempt, detail } = lastOutcome;
  const nth = attempt === 1 ? '' : `, attempt ${attempt}`;
  return `${outcome}${nth}${detail === null ? '' : `: ${detail}`}`;
}

function inWords(ms: number): string {
  if (ms <= 0) return 'now';
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `in ${seconds} s`;
  return seconds < 7_200 ? `in ${Math.round(seconds / 60)} min` : `in ${Math.round(seconds / 3_600)} h`;
}
