import {
  describeBacklog,
  describeMisfire,
  dueAt,
  isSuspect,
  openRuns,
  overlapWords,
  statusOf,
  type JobRecord,
} from '../domain/job';
import { describe } from '../domain/schedule';
import type { EventStore } from '../event-store';
import { SystemClock } from '../clock';
import { knownJob, NOW, recordOf } from './known-job';
import { jsonLine, type CommandIo } from './output';
import { readService } from './service-streams';
import { details } from './table';
import { ownerJson } from './who-owned';
import { iso, pairs, serviceWords } from './words';

export interface JobOptions {
  readonly namespace: string;
  readonly json: boolean;
  /** The payload is shown. */
  readonly payload: boolean;
}

/** `holdfast job`: everything of one job, as it is now. @returns the exit code. */
export async function showJob(store: EventStore, jobId: string, options: JobOptions, io: CommandIo): Promise<number> {
  const found = await knownJob(store, jobId, NOW, options.namespace);
  const record = recordOf(found.state);
  if (options.json) {
    await io.out.write(jsonLine({ ...ownerJson(found), job: record === null ? null : json(record, options.payload) }));
    return 0;
  }
  const lines: [string, string | null][] = [['job', jobId]];
  if (found.state.stage === 'opaque') {
    const { revision, type, why } = found.state.unreadable;
    lines.push(['unreadable', `since revision ${revision}: ${type} (${why}); what follows is the state before it`]);
  }
  if (record !== null) lines.push(...told(record, options.payload));
  if (found.owner !== null) {
    const service = await readService(store, options.namespace, found.owner.serviceId, null);
    if (service !== null) lines.push(['its owner', serviceWords(service, new SystemClock().wall())]);
  }
  lines.push(['in a word', found.words]);
  if (found.at !== null) lines.push(['as of', `revision ${found.at.revision}, position ${found.at.position}`]);
  await io.out.write(details(lines));
  return 0;
}

function told(record: JobRecord, payload: boolean): [string, string | null][] {
  const { definition, ownership, declaration, lastOutcome, held } = record;
  const { retry, misfire, overlap, onOwnerLoss, onStuck, timeoutMs, priority } = definition.policies;
  const owner =
    ownership.kind === 'bound'
      ? `${ownership.serviceId} (incarnation ${ownership.incarnation}), epoch ${record.epoch}, since ${iso(ownership.since)}`
      : `nobody since ${iso(ownership.since)} (${ownership.reason}${ownership.detail === null ? '' : `: ${ownership.detail}`})`;
  return [
    ['status', `${statusOf(record)}${record.ending ? ', ends with its open run' : ''}`],
    ['handler', definition.handler],
    ['schedule', describe(definition.schedule)],
    ['tag', `${pairs(definition.tag) || 'none'} (${definition.affinity})`],
    [
      'policies',
      `${retry.maxRetries} retries; overlap: ${overlapWords(overlap)}; owner lost: ${onOwnerLoss}; stuck: ${onStuck}; time-out: ${timeoutMs === null ? 'none' : `${timeoutMs} ms`}; priority ${priority}`,
    ],
    ['misfire', describeMisfire(misfire)],
    ['declared by', declaration === undefined ? null : `${declaration.source} (${declaration.hash.slice(0, 12)})`],
    ['owner', owner],
    ['next slot', record.nextSlot ?? 'none'],
    ['backlog', record.backlog === undefined ? null : describeBacklog(record.backlog)],
    ['next start', iso(dueAt(record)) ?? 'nothing is pending'],
    ['requested', requestedWords(record)],
    ...record.inProgress.map(({ slot, attempt, run, retryAt }): [string, string] => [
      'slot',
      run === null
        ? `${slot}: attempt ${attempt} has ended, the next not before ${iso(retryAt) ?? 'now'}`
        : `${slot}: attempt ${attempt} runs on ${run.serviceId} since ${iso(run.startedAt)}`,
    ]),
    ...[held, ...(record.heldNext ?? [])].map((one): [string, string | null] => [
      'held',
      one === null ? null : `attempt ${one.attempt} of slot ${one.slot} was lost: see resolve-hold`,
    ]),
    ['crashes', crashWords(record)],
    [
      'last outcome',
      lastOutcome === null
        ? null
        : `${lastOutcome.outcome} at ${iso(lastOutcome.at)} (slot ${lastOutcome.slot}, attempt ${lastOutcome.attempt})${lastOutcome.detail === null ? '' : `: ${lastOutcome.detail}`}`,
    ],
    ['scheduled', iso(record.scheduledAt)],
    ['payload', payload ? JSON.stringify(definition.payload) : null],
  ];
}

const SHOWN_REQUESTS = 5;

function requestedWords({ requested }: JobRecord): string | null {
  if (requested.length === 0) return null;
  const first = requested.slice(0, SHOWN_REQUESTS).map(({ slot }) => slot);
  const more = requested.length - first.length;
  return `${first.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function crashWords(record: JobRecord): string | null {
  const { length } = record.crashes;
  if (length === 0) return null;
  return isSuspect(record) ? `${length}: suspect, so it runs where no other suspect runs` : String(length);
}

function json(record: JobRecord, payload: boolean): object {
  const { definition, ...rest } = record;
  const { payload: content, ...shown } = definition;
  return {
    handler: definition.handler,
    schedule: describe(definition.schedule),
    definition: payload ? { ...shown, payload: content } : shown,
    definitionRevision: rest.definitionRevision,
    epoch: rest.epoch,
    paused: rest.paused,
    ending: rest.ending,
    held: rest.held,
    heldNext: rest.heldNext ?? [],
    nextSlot: rest.nextSlot,
    backlog: rest.backlog ?? null,
    nextRunTime: iso(dueAt(record)),
    openRuns: openRuns(record).map(({ startedAt, ...run }) => ({ ...run, startedAt: iso(startedAt) })),
    inProgress: rest.inProgress.map(({ slot, attempt, retriesUsed, retryAt, run }) => ({
      slot,
      attempt,
      retriesUsed,
      running: run !== null,
      retryAt: iso(retryAt),
    })),
    requested: rest.requested.map(({ slot, at }) => ({ slot, at: iso(at) })),
    suspect: isSuspect(record),
    crashes: rest.crashes.map(({ at, ...crash }) => ({ ...crash, at: iso(at) })),
    lastOutcome: rest.lastOutcome === null ? null : { ...rest.lastOutcome, at: iso(rest.lastOutcome.at) },
    declaration: rest.declaration ?? null,
    scheduledAt: iso(rest.scheduledAt),
    slotsCounted: rest.slotsCounted,
  };
}
