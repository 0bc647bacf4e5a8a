import { takenAt, type AsOf, type StateAsOf } from '../audit';
import { SystemClock } from '../clock';
import { originOf } from '../domain/codec';
import { placeable, statusOf, type JobEvent } from '../domain/job';
import { namespacePrefix } from '../domain/namespace';
import { rank } from '../domain/placement';
import { isTerminal, type Candidate } from '../domain/service';
import type { EventStore } from '../event-store';
import { knownJob, NOW, recordOf } from './known-job';
import { jsonLine, printable, type CommandIo } from './output';
import { candidate, readServices, type SeenService, type Until } from './service-streams';
import { newestFact, slotFate, type SlotFate } from './slot-fate';
import { ownerJson } from './who-owned';
import { unfit, whyNot, type WhyAnswer, type WhyFacts } from './why-answer';
import { iso, serviceWords } from './words';

export interface WhyOptions {
  readonly namespace: string;
  readonly json: boolean;
  /** The moment that is asked about; null: now. */
  readonly at: AsOf | null;
}

/** One service as placement looks at it. */
interface Seen {
  readonly serviceId: string;
  /** Why it may not own the job; null: it may. */
  readonly unfit: string | null;
  /** Place in the ranking, from 0; null: not ranked. Of now only. */
  readonly rank: number | null;
}

/** `holdfast why`: why a job is where it is, and why it runs or does not, now or at a point. @returns the exit code. */
export async function showWhy(store: EventStore, jobId: string, options: WhyOptions, io: CommandIo): Promise<number> {
  const { namespace, at } = options;
  const clock = new SystemClock();
  const stream = `${namespacePrefix(namespace)}job-${jobId}`;
  const found = await knownJob(store, jobId, at ?? NOW, namespace);
  const time = at === null ? clock.wall() : 'time' in at ? at.time : (found.at?.created ?? clock.wall());
  const until: Until = at === null ? null : 'time' in at ? at : { position: found.at?.position ?? 0n };
  const services = await readServices(store, namespace, until);
  const ownership = recordOf(found.state)?.ownership;
  const owner =
    ownership?.kind !== 'bound'
      ? null
      : (services.find(({ state }) => state.serviceId === ownership.serviceId) ?? null);
  const because = await standsBecause(store, stream, found);
  const facts: WhyFacts = {
    found,
    at: time,
    past: at !== null,
    because,
    owner,
    candidates: candidatesOf(services),
  };
  const reply = whyNot(facts);
  const fate = at === null ? null : await slotFate(store, stream, found, time);
  const bound = found.owner?.bound ?? null;
  const saw =
    bound === null
      ? facts.candidates
      : candidatesOf(await readServices(store, namespace, await viewOf(store, stream, bound)));
  const seen = placement(facts, saw);
  await io.out.write(
    options.json
      ? jsonLine(json(facts, reply, fate, seen, bound?.viewPosition ?? null))
      : text(facts, reply, fate, seen),
  );
  return 0;
}

/** The fact that tells why a job stands where it does: it ended, is in quarantine, is paused. */
async function standsBecause(
  store: EventStore,
  stream: string,
  { at, state }: StateAsOf,
): Promise<WhyFacts['because']> {
  const wanted: JobEvent['type'][] = [];
  if (state.stage === 'quarantined') wanted.push('JobQuarantined');
  else if (state.stage !== 'live') wanted.push('JobCompleted', 'JobCancelled', 'JobRemoved');
  else if (state.paused) wanted.push('JobPaused');
  if (wanted.length === 0 || at === null) return null;
  const fact = await newestFact(store, stream, at.revision, ({ type }) => wanted.includes(type));
  return fact === null ? null : { words: fact.words, created: takenAt(fact.recorded) };
}

/** What the decider of a binding had seen. */
async function viewOf(
  store: EventStore,
  stream: string,
  { revision, viewPosition }: { readonly revision: number; readonly viewPosition: string },
): Promise<Until> {
  const { events } = await store.readStream(stream, { direction: 'forwards', from: revision, limit: 1 });
  const origin = events[0] === undefined ? null : originOf(events[0].metadata);
  const position = BigInt(viewPosition);
  return origin === null ? { position } : { position, log: origin.log, before: events[0].position };
}

/** Services whose newest incarnation has not ended. */
function candidatesOf(services: readonly SeenService[]): readonly Candidate[] {
  return services
    .filter(({ current }) => current !== null && !isTerminal(current))
    .map(candidate)
    .filter((one) => one !== null);
}

function placement({ found, past }: WhyFacts, saw: readonly Candidate[]): readonly Seen[] {
  const record = recordOf(found.state);
  if (record === null) return [];
  const job = placeable(record);
  const { ownership } = record;
  const ranked =
    past || ownership.kind === 'bound'
      ? []
      : rank({ jobId: record.jobId, ...job, lastServiceId: ownership.lastServiceId, target: ownership.target }, saw);
  return saw.map((one) => {
    const place = ranked.findIndex((other) => other.candidate.serviceId === one.serviceId);
    return { serviceId: one.serviceId, unfit: unfit(job, one), rank: place < 0 ? null : place };
  });
}

function text(facts: WhyFacts, reply: WhyAnswer, fate: SlotFate | null, seen: readonly Seen[]): string {
  const { found, owner, at, past } = facts;
  const { jobId, state } = found;
  const record = recordOf(state);
  const lines = [`${jobId}: ${state.stage === 'opaque' ? 'opaque' : record === null ? 'absent' : statusOf(record)}`];
  lines.push(`${past ? `at ${iso(at)}` : 'now'}: ${reply.words}`);
  if (fate !== null) {
    const when = fate.created === null ? '' : ` (revision ${fate.revision}, ${iso(fate.created)})`;
    lines.push(`slot ${fate.slot}: ${fate.words}${when}`);
  }
  lines.push(`where: ${found.words}`);
  if (owner !== null) lines.push(`its owner ${owner.state.serviceId}: ${serviceWords(owner, at, past)}`);
  if (seen.length > 0) {
    const bound = found.owner?.bound ?? null;
    lines.push(bound === null ? 'placement sees:' : `placement saw, at position ${bound.viewPosition}:`);
    for (const { serviceId, unfit: why, rank: place } of seen) {
      lines.push(`  ${serviceId}: ${why ?? (place === null ? 'eligible' : `eligible, rank ${place}`)}`);
    }
  } else if (record !== null) lines.push('placement sees no service');
  return `${lines.map(printable).join('\n')}\n`;
}

function json(
  facts: WhyFacts,
  reply: WhyAnswer,
  fate: SlotFate | null,
  seen: readonly Seen[],
  viewPosition: string | null,
): object {
  const { found, owner, at, past } = facts;
  return {
    ...ownerJson(found),
    at: iso(at),
    now: !past,
    answer: reply,
    slot: fate === null ? null : { ...fate, created: iso(fate.created) },
    ownerState:
      owner === null
        ? null
        : {
            serviceId: owner.state.serviceId,
            life: owner.current?.life ?? null,
            lastBeat: iso(owner.beat?.created ?? null),
            words: serviceWords(owner, at, past),
          },
    placement: { viewPosition, services: seen },
  };
}
