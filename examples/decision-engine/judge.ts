import { decode, fencingToken, verifyLog, type EventStore, type HoldfastEvent, type RecordedEvent } from 'holdfast';
import { rightful, type AuditDefinition } from './audits';
import { Ledger, type LedgerRow } from './ledger';
import { openLog, type Log } from './log';

/** What the demo did, as far as it is not in the log: the kill. */
export interface KillReport {
  readonly serviceId: string;
  readonly incarnation: string;
  /** Wall clock, ms. */
  readonly at: number;
  /** How the process ended; null: it had not. */
  readonly signal: string | null;
  /** The run that it was in the middle of, as the demo aimed. */
  readonly job: string;
}

interface LogEntry {
  readonly recorded: RecordedEvent;
  readonly event: HoldfastEvent;
}

/**
 * Judges a finished run from the raw log and from the ledger; no view, no memory of the demo but the kill itself.
 * @returns one sentence per thing that is wrong, each naming the audit (or engine); none: all is well.
 */
export async function judge(
  found: { readonly log: Log; readonly ledger: string },
  audits: readonly AuditDefinition[],
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
      ...audits.flatMap((audit) => oneAudit(audit, entries, kill)),
      ...stops(entries, engines),
    ];
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

function jobOf(entry: LogEntry): string {
  return entry.recorded.stream.slice('job-'.length);
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
    const excused = ['JobRunSucceeded', 'JobRunOutcomeRefused', 'ownerFailed', 'ownerStopped', 'ownerMarked'];
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

/** Every audit that should have run on did, on rightful owners; what nobody fits was left alone. */
function oneAudit(audit: AuditDefinition, entries: readonly LogEntry[], kill: KillReport): string[] {
  const wrong: string[] = [];
  const own = entries.filter((e) => e.recorded.stream === `job-${audit.id}`);
  const labels = new Map<string, { readonly [key: string]: string }>();
  for (const { event } of entries)
    if (event.type === 'ServiceRegistered') labels.set(event.data.incarnation, event.data.labels);
  const fits = [...labels.values()].some((l) => rightful(audit, l));

  const scheduled = own.filter((e) => e.event.type === 'JobScheduled').length;
  if (scheduled !== 1) return [`${audit.id}: scheduled ${scheduled} times`];
  for (const { event } of own) {
    if (event.type === 'JobRunStarted' && !rightful(audit, labels.get(event.data.incarnation) ?? {})) {
      wrong.push(`${audit.id}: ran on ${event.data.serviceId}, which does not fit its tag`);
    }
  }
  const successes = own.filter((e) => e.event.type === 'JobRunSucceeded');
  if (!fits) {
    if (own.some((e) => e.event.type === 'JobBoundToService'))
      wrong.push(`${audit.id}: nobody fits, and yet it was bound`);
    return wrong;
  }
  if (audit.once) {
    if (successes.length !== 1) wrong.push(`${audit.id}: a once that succeeded ${successes.length} times`);
    return wrong;
  }
  if (successes.length === 0) return [...wrong, `${audit.id}: never ran`];

  // From the verdict's requeues on: whoever was owned by the dead must have moved, and must have run again.
  const owned = ownerAt(own, kill.at);
  const lastEnd = Math.max(...entries.map((e) => e.recorded.created));
  if (owned === kill.incarnation && kill.signal !== null) {
    const requeue = own.find(
      (e) => e.event.type === 'JobRequeued' && e.event.data.fromIncarnation === kill.incarnation,
    );
    if (!requeue) return [...wrong, `${audit.id}: its owner ${kill.serviceId} died and it was never requeued`];
    if (!successes.some((e) => e.recorded.revision > requeue.recorded.revision))
      wrong.push(`${audit.id}: was requeued and never ran again`);
  }
  const drain = entries.find((e) => e.event.type === 'ServiceDrainStarted')?.recorded.created ?? lastEnd;
  const before = successes.filter((e) => e.recorded.created <= drain + 1_000).at(-1)?.recorded.created ?? 0;
  const patience = 3 * audit.periodMs + audit.payload.observeMs + 2_000;
  if (drain - before > patience)
    wrong.push(
      `${audit.id}: its last run ended ${((drain - before) / 1_000).toFixed(1)} s before the drain: it did not run on`,
    );
  return wrong;
}

function ownerAt(own: readonly LogEntry[], at: number): string | null {
  let owner: string | null = null;
  for (const { event, recorded } of own) {
    if (recorded.created > at) break;
    if (event.type === 'JobBoundToService') owner = event.data.incarnation;
    if (event.type === 'JobReleased' || event.type === 'JobRequeued') owner = null;
  }
  return owner;
}

/** Every engine that was asked to stop said so in the log. */
function stops(entries: readonly LogEntry[], engines: readonly string[]): string[] {
  return engines
    .filter(
      (id) => entries.filter((e) => e.recorded.stream === `service-${id}`).at(-1)?.event.type !== 'ServiceStopped',
    )
    .map((id) => `${id}: did not end with ServiceStopped`);
}
