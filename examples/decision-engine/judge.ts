import {
  decode,
  fencingToken,
  stateAsOf,
  verifyLog,
  type EventStore,
  type HoldfastEvent,
  type JobState,
} from 'holdfast';
import type { DemoAudit } from './audits';
import { jobOf, judgeAudit, type KillReport, type LogEntry } from './judge-audits';
import { Ledger, type LedgerRow } from './ledger';
import { openLog, type Log } from './log';

/**
 * Judges a finished run from the raw log and from the ledger; no view, no memory of the demo but the kill itself.
 * @returns one sentence per thing that is wrong, each naming the audit (or engine); none: all is well.
 */
export async function judge(
  found: { readonly log: Log; readonly ledger: string },
  audits: readonly DemoAudit[],
  engines: readonly string[],
  kill: KillReport,
): Promise<string[]> {
  const store = await openLog(found.log, { readOnly: true });
  const ledger = new Ledger(found.ledger);
  try {
    const entries = await readLog(store);
    const generation = (await store.identity()).generation;
    const findings = [
      ...(await invariants(store)),
      ...theKill(entries, ledger.rows(), kill),
      ...ledgerAgainstLog(entries, ledger, generation),
      ...stops(entries, engines),
    ];
    for (const audit of audits)
      findings.push(...judgeAudit({ audit, state: await stateOf(store, audit.id), entries, kill }));
    return [...new Set(findings)];
  } finally {
    ledger.close();
    await store.close();
  }
}

async function readLog(store: EventStore): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (let after: bigint | 'start' = 'start'; ;) {
    const slice = await store.readAll({ after, categories: ['job', 'service'], limit: 5_000 });
    for (const recorded of slice.events) {
      const event = decode(recorded.type, recorded.data, recorded.metadata);
      if (event.type !== '$unreadable') entries.push({ recorded, event: event as HoldfastEvent });
    }
    after = slice.position as bigint;
    if (slice.end) return entries;
  }
}

async function invariants(store: EventStore): Promise<string[]> {
  const { violations } = await verifyLog(store);
  return violations.map((v) => `${v.stream} revision ${v.revision}: ${v.invariant}: ${v.words}`);
}

async function stateOf(store: EventStore, jobId: string): Promise<JobState> {
  return (await stateAsOf(store, jobId, { revision: Number.MAX_SAFE_INTEGER })).state;
}

/** The killed engine died of the signal, in the middle of a run that the log and the ledger both know, and was judged by another. */
function theKill(entries: readonly LogEntry[], rows: readonly LedgerRow[], kill: KillReport): string[] {
  if (kill.signal !== 'SIGKILL') {
    return [
      `${kill.job}: its engine ${kill.serviceId} did not die of SIGKILL in mid-run (${kill.signal ?? 'it lives'})`,
    ];
  }
  const wrong: string[] = [];
  const verdict = entries.find(
    ({ event }) => event.type === 'ServiceMarkedFailed' && event.data.incarnation === kill.incarnation,
  );
  if (!verdict)
    wrong.push(`${kill.serviceId}: no verdict on the killed incarnation; ${kill.job} was not taken from it`);
  const died = entries.filter(
    ({ event }) =>
      event.type === 'JobRunAbandoned' &&
      event.data.incarnation === kill.incarnation &&
      event.data.reason === 'ownerFailed',
  );
  const inLedger = died.filter((entry) => {
    const { slot, attempt } = entry.event.data as { slot: string; attempt: number };
    return rows.some(
      (r) => r.job === jobOf(entry) && r.slot === slot && r.attempt === attempt && r.finishedAt === null,
    );
  });
  if (inLedger.length === 0)
    wrong.push(
      `${kill.job}: ${kill.serviceId} was not in the middle of a run when it was killed: no run was entered, left unfinished and abandoned`,
    );
  return wrong;
}

function ledgerAgainstLog(entries: readonly LogEntry[], ledger: Ledger, generation: number): string[] {
  const wrong: string[] = [];
  const starts = new Map<string, LogEntry>();
  const ends = new Map<string, string>();
  for (const entry of entries) {
    const { event } = entry;
    if (!('slot' in event.data) || !('attempt' in event.data)) continue;
    const key = `${jobOf(entry)} ${String(event.data.slot)} ${String(event.data.attempt)}`;
    if (event.type === 'JobRunStarted') {
      if (starts.has(key))
        wrong.push(`${jobOf(entry)}: slot ${event.data.slot}, attempt ${event.data.attempt} was started twice`);
      starts.set(key, entry);
    } else if (event.type === 'JobRunAbandoned') ends.set(key, event.data.reason);
    else if (event.type !== 'JobHeld') ends.set(key, event.type);
  }
  const seen = new Set<string>();
  for (const row of ledger.rows()) {
    const key = `${row.job} ${row.slot} ${row.attempt}`;
    const run = `${row.job}: slot ${row.slot}, attempt ${row.attempt}`;
    if (seen.has(key)) wrong.push(`${run} was entered twice`);
    seen.add(key);
    const start = starts.get(key);
    if (start?.event.type !== 'JobRunStarted') {
      wrong.push(`${run} was entered without a start in the log`);
      continue;
    }
    if (start.event.data.incarnation !== row.incarnation)
      wrong.push(`${run} was entered by ${row.engine}, which had not started it`);
    if (fencingToken(generation, start.recorded.revision) !== row.token)
      wrong.push(`${run} carried a token that is not that of its start`);
    const end = ends.get(key);
    // Finished before the owner died, or before its drain was over: the work is done twice at worst, and the log says so.
    const excused = [
      'JobRunSucceeded',
      'JobRunOutcomeRefused',
      'ownerFailed',
      'ownerStopped',
      'ownerMarked',
      'ownerUnregistered',
    ];
    if (row.finishedAt !== null && !excused.includes(end ?? '')) {
      wrong.push(
        `${run} was finished by ${row.engine}, but the log has no outcome of it (${end ?? 'still open'}): an outcome was lost`,
      );
    }
  }
  for (const { job, token } of ledger.outOfOrder())
    wrong.push(`${job}: the ledger accepted token ${token} after a greater one`);
  return wrong;
}

/** Every engine that was asked to stop said so in the log. */
function stops(entries: readonly LogEntry[], engines: readonly string[]): string[] {
  return engines
    .filter(
      (id) => entries.filter((e) => e.recorded.stream === `service-${id}`).at(-1)?.event.type !== 'ServiceStopped',
    )
    .map((id) => `${id}: did not end with ServiceStopped`);
}
