import { SystemClock } from '../clock';
import { isTerminal } from '../domain/service';
import type { EventStore } from '../event-store';
import { jsonLine, type CommandIo } from './output';
import { readServices, silenceMs, type SeenService } from './service-streams';
import { Table } from './table';
import { withView } from './temporary-view';
import { iso, SILENT_MS, span } from './words';

export interface ServicesOptions {
  readonly namespace: string;
  readonly json: boolean;
  /** Those too that have been gone for a day. */
  readonly all: boolean;
  /** Jobs are counted in a view of the whole log. */
  readonly count: boolean;
}

const GONE_LISTED_MS = 86_400_000;

/** `holdfast services`: who is there, and how it does. @returns the exit code. */
export async function showServices(store: EventStore, options: ServicesOptions, io: CommandIo): Promise<number> {
  const now = new SystemClock().wall();
  const counts = options.count ? await countJobs(store, options, io) : null;
  const seen = (await readServices(store, options.namespace, null)).filter(
    (service) => options.all || isListed(service, now) || (counts?.get(service.state.serviceId) ?? 0) > 0,
  );
  const jobsOf = (service: SeenService): number | null =>
    counts === null ? (said(service)?.owned ?? null) : (counts.get(service.state.serviceId) ?? 0);
  if (options.json) {
    for (const service of seen) await io.out.write(jsonLine(json(service, jobsOf(service), now)));
    return 0;
  }
  if (seen.length === 0) {
    await io.out.write('no services\n');
    return 0;
  }
  const table = new Table(
    [
      { title: 'SERVICE' },
      { title: 'STATE' },
      { title: 'JOBS', right: true },
      { title: 'RUNS', right: true },
      { title: 'LAST BEAT', right: true },
      { title: 'SINCE' },
      { title: 'HANDLERS', shrinkTo: 8 },
    ],
    io.width,
  );
  await io.out.write(table.lines(seen.map((service) => row(service, jobsOf(service), now))));
  return 0;
}

async function countJobs(store: EventStore, { namespace }: ServicesOptions, io: CommandIo) {
  return withView(store, namespace, io, async (queries) => {
    const { rows } = await queries.services({ includeGone: true });
    return new Map(rows.map(({ serviceId, ownedJobs }) => [serviceId, ownedJobs]));
  });
}

function isListed({ current }: SeenService, now: number): boolean {
  return current === null || !isTerminal(current) || now - (current.endedAt ?? 0) < GONE_LISTED_MS;
}

/** What a service that has ended owned and ran says nothing any more. */
function said({ current, beat }: SeenService): SeenService['beat'] {
  return current === null || isTerminal(current) ? null : beat;
}

function lifeOf(service: SeenService, now: number): string {
  if (service.state.unreadable !== null) return 'unreadable';
  if (service.current === null) return 'unknown';
  return (silenceMs(service, now) ?? 0) > SILENT_MS ? 'silent' : service.current.life;
}

function row(service: SeenService, jobs: number | null, now: number): string[] {
  const { state, current } = service;
  const beat = said(service);
  return [
    state.serviceId,
    lifeOf(service, now),
    jobs === null ? '-' : String(jobs),
    beat === null ? '-' : String(beat.running),
    beat === null ? '-' : `${span(Math.max(0, now - beat.created))} ago`,
    current === null ? '-' : iso(current.endedAt ?? current.registeredAt).replace(/\.\d+Z$/, 'Z'),
    current === null ? '-' : Object.keys(current.handlers).join(',') || '-',
  ];
}

function json(service: SeenService, jobs: number | null, now: number): object {
  const { state, current } = service;
  const beat = said(service);
  return {
    serviceId: state.serviceId,
    state: lifeOf(service, now),
    life: current?.life ?? null,
    incarnation: current?.incarnation ?? null,
    incarnations: state.incarnations.length,
    jobs,
    runs: beat?.running ?? null,
    lastBeat: iso(beat?.created ?? null),
    silenceMs: silenceMs(service, now),
    registeredAt: iso(current?.registeredAt ?? null),
    endedAt: iso(current?.endedAt ?? null),
    failedBy: current?.failedBy ?? null,
    confirmedDead: current?.confirmedDead ?? false,
    labels: current?.labels ?? {},
    handlers: current?.handlers ?? {},
    capacity: current?.capacity ?? null,
    zoneData: current?.zoneData ?? null,
    process: current?.process ?? null,
    leftovers: current?.leftovers ?? [],
    revision: state.revision,
    unreadable: state.unreadable,
  };
}
