import type { JobState } from '../../domain/job';
import {
  absentService,
  currentIncarnation,
  evolveService,
  evolveUnreadableService,
  type ServiceEvent,
  type ServiceState,
} from '../../domain/service';
import type { UnreadableEvent } from '../../domain/unreadable';
import type { JobRow, ReadModel, ServiceRow } from '../../read-model';
import { columnsOf, type JobColumns } from '../../read-model/job-columns';
import { FoldHistory } from './fold-history';
import { foundReads, wantedReads, type LogAt } from './judge-reads';
import type { Bench } from './judged';

/** A job after one of its events. */
interface JobAt {
  readonly position: bigint;
  readonly state: JobState;
  /** What follows from the state, once somebody has asked for it. */
  columns?: JobColumns;
  text?: string;
  rowText?: string;
}

/** A service after one of its facts. */
interface ServiceAt {
  readonly position: bigint;
  readonly state: ServiceState;
  text?: string;
}

/** What the log said at the position of a view. */
interface Said {
  readonly jobs: ReadonlyMap<string, JobAt | null>;
  readonly services: ReadonlyMap<string, ServiceAt>;
  readonly log: LogAt;
  /** Some job or service is forgotten, as it was so long ago. */
  readonly inPart: boolean;
}

/** Judges what views say, at their position, by the folds of the log (I7): jobs, the columns of their rows, services, and what the loops read. */
export class JudgeViews {
  private readonly jobs = new Map<string, FoldHistory<JobAt>>();
  private readonly services = new Map<string, FoldHistory<ServiceAt>>();

  constructor(private readonly ports: Pick<Bench, 'note' | 'violate'>) {}

  forget(): void {
    this.jobs.clear();
    this.services.clear();
  }

  /** What a job has become at that position. */
  job(jobId: string, position: bigint, state: JobState): void {
    historyOf(this.jobs, jobId).add({ position, state });
  }

  /** A fact of a service: folded here. */
  service(serviceId: string, event: ServiceEvent | UnreadableEvent, revision: number, position: bigint): void {
    const history = historyOf(this.services, serviceId);
    const before = history.newest?.state ?? absentService(serviceId);
    const state =
      event.type === '$unreadable'
        ? evolveUnreadableService(before, { revision, type: event.originalType, why: event.why })
        : evolveService(before, event, revision);
    history.add({ position, state });
  }

  /** All that a view says. */
  compare(view: ReadModel, whose: string): void {
    const position = view.position();
    if (position === 'start') return;
    this.ports.note('view-compared');
    const said = this.said(position);
    const words = wrongJobs(view, said) ?? wrongServices(view, said) ?? wrongReads(view, said);
    this.tell(words, whose, position);
  }

  /** What a view says of services. */
  compareServices(view: ReadModel, whose: string): void {
    const position = view.position();
    if (position !== 'start') this.tell(wrongServices(view, this.said(position)), whose, position);
  }

  private tell(words: Wrong, whose: string, position: bigint): void {
    if (words !== null) this.ports.violate('I7', `The view of ${whose} at position ${position} ${words}`);
  }

  private said(position: bigint): Said {
    const jobs = new Map<string, JobAt | null>();
    const services = new Map<string, ServiceAt>();
    const columns = new Map<string, JobColumns>();
    let inPart = false;
    for (const [jobId, history] of this.jobs) {
      const at = history.at(position);
      if (at === undefined) inPart = true;
      else jobs.set(jobId, at);
      const own = at == null ? null : columnsAt(at);
      if (own !== null) columns.set(jobId, own);
    }
    for (const [serviceId, history] of this.services) {
      const at = history.at(position);
      if (at === undefined) inPart = true;
      else if (at !== null) services.set(serviceId, at);
    }
    const states = new Map([...services].map(([serviceId, { state }]) => [serviceId, state]));
    return { jobs, services, log: { jobs: columns, services: states }, inPart };
  }
}

function historyOf<At extends { readonly position: bigint }>(
  histories: Map<string, FoldHistory<At>>,
  id: string,
): FoldHistory<At> {
  let history = histories.get(id);
  if (history === undefined) histories.set(id, (history = new FoldHistory()));
  return history;
}

/** Null: there is no row. */
function columnsAt(at: JobAt): JobColumns | null {
  return at.state.stage === 'absent' ? null : (at.columns ??= columnsOf(at.state));
}

/** What is wrong, in words that follow those that say which view it is; null: nothing. */
type Wrong = string | null;

function wrongJobs(view: ReadModel, { jobs }: Said): Wrong {
  for (const [jobId, at] of jobs) {
    const row = view.job(jobId);
    const columns = at === null ? null : columnsAt(at);
    if (at === null || columns === null) {
      if (row === null) continue;
      return `shows ${jobId} as ${JSON.stringify(row.state)}, and the log says nothing of it.`;
    }
    const state = (at.text ??= JSON.stringify(at.state));
    const found = JSON.stringify(row?.state ?? null);
    if (found !== state) return `shows ${jobId} as ${found}, and the log says ${state}.`;
    const wanted = (at.rowText ??= JSON.stringify(wantedRow(columns, at.position)));
    const shown = row === null ? 'null' : JSON.stringify(shownRow(row));
    if (shown !== wanted) return `has in the row of ${jobId} ${shown}, and its state makes that ${wanted}.`;
  }
  return null;
}

function shownRow(row: JobRow): object {
  const { nextRunTime, serviceId, incarnation, tag, status, handler, epoch, attempt, suspect, revision } = row;
  return {
    ...{ nextRunTime, serviceId, incarnation, tag, status, handler, epoch, attempt, suspect, revision },
    lastOutcome: row.lastOutcome,
    position: String(row.position),
  };
}

function wantedRow(columns: JobColumns, position: bigint): object {
  const { nextRunTime, serviceId, incarnation, status, handler, epoch, attempt, revision } = columns;
  const tag = JSON.parse(columns.tag) as JobRow['tag'];
  return {
    ...{ nextRunTime, serviceId, incarnation, tag, status, handler, epoch, attempt },
    suspect: columns.suspect === 1,
    revision,
    lastOutcome: columns.lastOutcome === null ? null : (JSON.parse(columns.lastOutcome) as JobRow['lastOutcome']),
    position: String(position),
  };
}

function wrongServices(view: ReadModel, { services, log, inPart }: Said): Wrong {
  const rows = new Map(view.services({ includeGone: true }).map((row) => [row.serviceId, row]));
  const owned = new Map<string, number>();
  for (const { serviceId, incarnation } of log.jobs.values())
    if (serviceId !== null && incarnation !== null) owned.set(serviceId, (owned.get(serviceId) ?? 0) + 1);
  for (const serviceId of new Set([...services.keys(), ...rows.keys(), ...owned.keys()])) {
    const row = rows.get(serviceId);
    const at = services.get(serviceId);
    if (at === undefined && inPart) continue;
    const wanted = at === undefined ? NOTHING_OF_IT : (at.text ??= JSON.stringify(wantedService(at)));
    const shown = row === undefined ? NOTHING_OF_IT : JSON.stringify(shownService(row));
    if (shown !== wanted) return `shows ${serviceId} as ${shown}, and the log says ${wanted}.`;
    const [has, own] = [row?.ownedJobs ?? 0, owned.get(serviceId) ?? 0];
    if (has !== own && !inPart) return `says that ${serviceId} owns ${has} jobs, and by the log it owns ${own}.`;
  }
  return null;
}

function shownService({ revision, position, incarnations, current, unreadable }: ServiceRow): object | null {
  // Only jobs speak of it.
  if (revision < 0 && incarnations.length === 0 && unreadable === null) return null;
  return { revision, position: String(position), incarnations, current, unreadable };
}

const NOTHING_OF_IT = 'null';

function wantedService({ state, position }: ServiceAt): object {
  const { revision, incarnations, unreadable } = state;
  return {
    ...{ revision, position: String(position), incarnations, current: currentIncarnation(state) },
    unreadable: unreadable === null ? null : `${unreadable.type} at revision ${unreadable.revision}: ${unreadable.why}`,
  };
}

function wrongReads(view: ReadModel, { log, inPart }: Said): Wrong {
  if (inPart) return null;
  const found = foundReads(view, log.services);
  for (const [what, wanted] of wantedReads(log)) {
    const answer = found.get(what) ?? 'nothing';
    if (answer !== wanted) return `is read for ${what} as ${answer}, and the log says ${wanted}.`;
  }
  return null;
}
