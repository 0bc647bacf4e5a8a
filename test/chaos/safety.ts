import { fencingToken, type HoldfastEvent } from 'holdfast';
import { jobOf, type Evidence, type LogEntry } from './evidence';

/** What must never be. A sentence for each thing that is. */
export interface Safety {
  /** Acknowledged, and not in the log. */
  readonly lost: readonly string[];
  /** Accepted twice. */
  readonly doubled: readonly string[];
  /** Accepted below a token that the ledger had seen, or with a token that no start gave. */
  readonly stale: readonly string[];
}

/** The facts that a worker writes into its diary when the log has acknowledged them, and the events that they tell of. */
const acknowledged: { readonly [fact: string]: HoldfastEvent['type'] } = {
  'job.started': 'JobRunStarted',
  'job.succeeded': 'JobRunSucceeded',
  'job.failed': 'JobRunFailed',
  'job.timed-out': 'JobRunTimedOut',
  'job.abandoned': 'JobRunAbandoned',
  'job.outcome-refused': 'JobRunOutcomeRefused',
};

/** Where a handler has finished, its run has one of these; or its owner was gone before it could say so, and the log says that. */
const accounted = [
  'JobRunSucceeded',
  'JobRunOutcomeRefused',
  'ownerFailed',
  'ownerStopped',
  'ownerMarked',
  'ownerUnregistered',
];

interface Runs {
  readonly starts: ReadonlyMap<string, LogEntry>;
  readonly doubled: readonly string[];
  /** By run, incarnation and type of event; a start by its token too. */
  readonly events: ReadonlySet<string>;
  /** How each ended last, by type of event or reason of its abandonment. */
  readonly ends: ReadonlyMap<string, string>;
}

/** A run as one process knows it: another one may have had the same attempt, which must not hide that this one's is lost. */
function ofProcess(run: string, incarnation: unknown, type: string): string {
  return `${run} ${String(incarnation)} ${type}`;
}

export function safety(evidence: Evidence): Safety {
  const runs = runsOf(evidence);
  return {
    lost: [...lostJobs(evidence), ...lostAcknowledgements(evidence, runs), ...lostRuns(evidence, runs)],
    doubled: [...runs.doubled, ...doubledWrites(evidence)],
    stale: [...staleWrites(evidence), ...strangeTokens(evidence, runs)],
  };
}

interface RunKey {
  readonly slot: string;
  readonly attempt: number;
}

function keyOf(job: string, { slot, attempt }: RunKey): string {
  return `${job} slot ${slot} attempt ${attempt}`;
}

function runsOf({ entries, generation }: Evidence): Runs {
  const starts = new Map<string, LogEntry>();
  const doubled: string[] = [];
  const events = new Set<string>();
  const ends = new Map<string, string>();
  for (const entry of entries) {
    const { type, data } = entry.event;
    const job = jobOf(entry);
    if (job === null || !type.startsWith('JobRun') || !('incarnation' in data) || !('slot' in data)) continue;
    const run = keyOf(job, data as RunKey);
    events.add(ofProcess(run, data.incarnation, type));
    if (type === 'JobRunStarted')
      events.add(ofProcess(run, data.incarnation, String(fencingToken(generation, entry.revision))));
    if (type !== 'JobRunStarted') ends.set(run, type === 'JobRunAbandoned' ? data.reason : type);
    else if (starts.has(run)) doubled.push(`${run}: started twice in the log`);
    else starts.set(run, entry);
  }
  return { starts, doubled, events, ends };
}

function lostJobs({ lines, entries }: Evidence): string[] {
  const scheduled = new Set(entries.flatMap((e) => (e.event.type === 'JobScheduled' ? [e.event.data.jobId] : [])));
  return lines
    .filter(({ fact, job }) => fact === 'conductor.scheduled' && !scheduled.has(String(job)))
    .map(({ job }) => `${String(job)}: its scheduling was acknowledged and is not in the log`);
}

function lostAcknowledgements({ lines }: Evidence, { events }: Runs): string[] {
  return lines.flatMap(({ fact, jobId, slot, attempt, incarnation, fencingToken: token, pid }) => {
    const type = acknowledged[fact];
    if (type === undefined || typeof slot !== 'string') return [];
    const run = keyOf(String(jobId), { slot, attempt: Number(attempt) });
    const there = [type, ...(token === undefined ? [] : [String(token)])].every((what) =>
      events.has(ofProcess(run, incarnation, what)),
    );
    return there ? [] : [`${run}: ${type} was acknowledged to process ${pid} and is not in the log`];
  });
}

/** What the ledger has accepted, the log must account for. */
function lostRuns({ written }: Evidence, { starts, ends }: Runs): string[] {
  return written.flatMap((write) => {
    const run = keyOf(write.job, write);
    if (write.kind === 'enter' && !starts.has(run)) return [`${run}: entered without a start in the log`];
    if (write.kind !== 'finish' || accounted.includes(ends.get(run) ?? '')) return [];
    return [`${run}: finished, and the log has no outcome of it (${ends.get(run) ?? 'still open'})`];
  });
}

function doubledWrites({ written }: Evidence): string[] {
  const seen = new Set<string>();
  return written.flatMap((write) => {
    const key = `${keyOf(write.job, write)} ${write.kind}`;
    const twice = seen.has(key);
    seen.add(key);
    return twice ? [`${keyOf(write.job, write)}: its ${write.kind} was accepted twice by the ledger`] : [];
  });
}

/** In the order in which the ledger accepted them. */
function staleWrites({ written }: Evidence): string[] {
  const greatest = new Map<string, number>();
  return written.flatMap((write) => {
    const { job, token, kind } = write;
    const seen = greatest.get(job) ?? 0;
    greatest.set(job, Math.max(seen, token));
    return token < seen ? [`${keyOf(job, write)}: its ${kind} was accepted with token ${token}, after ${seen}`] : [];
  });
}

function strangeTokens({ written, generation }: Evidence, { starts }: Runs): string[] {
  return written.flatMap((write) => {
    const start = starts.get(keyOf(write.job, write));
    if (start?.event.type !== 'JobRunStarted') return [];
    const { incarnation } = start.event.data;
    if (fencingToken(generation, start.revision) !== write.token)
      return [
        `${keyOf(write.job, write)}: its ${write.kind} bore token ${write.token}, which is not that of its start`,
      ];
    return incarnation === write.incarnation
      ? []
      : [`${keyOf(write.job, write)}: its ${write.kind} came from ${write.service}, which had not started it`];
  });
}
