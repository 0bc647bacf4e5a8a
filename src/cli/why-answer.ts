import type { StateAsOf } from '../audit';
import { dueAt, isSuspect, openRuns, placeable, type JobRecord, type OpenRun } from '../domain/job';
import { ineligibility, whyNobody, type Ineligibility, type Placeable } from '../domain/placement';
import type { Candidate } from '../domain/service';
import { recordOf } from './known-job';
import { silenceMs, type SeenService } from './service-streams';
import { iso, serviceWords, SILENT_MS, span } from './words';

/** What an answer is made from. All of it as it was at `at`. */
export interface WhyFacts {
  readonly found: StateAsOf;
  /** The moment that is asked about. */
  readonly at: number;
  /** It is not now. */
  readonly past: boolean;
  /** The fact that put the job where it stands (paused, held, quarantined, ended, requeued), in words, with its time; null: none is kept. */
  readonly because: { readonly words: string; readonly created: number } | null;
  /** The service that owns the job; null: nobody does, or the log has no event of it. */
  readonly owner: SeenService | null;
  readonly candidates: readonly Candidate[];
}

/** Why a job runs, or does not. The codes are stable. */
export interface WhyAnswer {
  readonly code:
    | 'absent'
    | 'unreadable'
    | 'ended'
    | 'quarantined'
    | 'held'
    | 'running'
    | 'paused'
    | 'unbound'
    | 'owner-gone'
    | 'owner-silent'
    | 'retry-later'
    | 'slot-later'
    | 'nothing-pending'
    | 'owner-draining'
    | 'owner-busy'
    | 'suspect'
    | 'due';
  readonly words: string;
}

/** Pure. What stands in the way first is named. */
export function whyNot(facts: WhyFacts): WhyAnswer {
  const { state } = facts.found;
  if (state.stage === 'absent') return answer('absent', 'the job did not exist then');
  if (state.stage === 'opaque') {
    const { revision, type, why } = state.unreadable;
    return answer('unreadable', `revision ${revision} (${type}) cannot be read by this release: ${why}`);
  }
  return ofRecord(state, facts);
}

function ofRecord(record: JobRecord, facts: WhyFacts): WhyAnswer {
  const { past, because } = facts;
  const is = past ? 'was' : 'is';
  const since = because === null ? '' : ` (${because.words}, at ${iso(because.created)})`;
  if (record.stage === 'quarantined') {
    return answer('quarantined', `it ${is} in quarantine${since}; nobody may own it until \`holdfast release\``);
  }
  if (record.stage !== 'live') return answer('ended', `it ${past ? 'had' : 'has'} ended: ${record.stage}${since}`);
  if (record.held !== null) {
    const { slot, attempt } = record.held;
    const more = record.heldNext?.length ?? 0;
    const others = more === 0 ? '' : `, and ${more} more after it`;
    return answer(
      'held',
      `attempt ${attempt} of slot ${slot} was lost and ${is} held: \`holdfast resolve-hold\` decides${others}`,
    );
  }
  const runs = openRuns(record);
  if (runs.length > 0) {
    const gone = ownerTrouble(facts);
    const words = `it ${is} running: ${runningWords(record, runs)}`;
    return answer('running', gone === null ? words : `${words}; but ${gone.words}`);
  }
  if (record.paused) return answer('paused', `it ${is} paused${since}; \`holdfast resume\` lets it run`);
  if (record.ownership.kind === 'unbound') return unbound(record, facts, record.ownership);
  return ownerTrouble(facts) ?? pending(record, facts);
}

/** Which runs are open, and what that keeps from starting. */
function runningWords({ definition, nextSlot, inProgress }: JobRecord, runs: readonly OpenRun[]): string {
  const each = runs.map(
    (run) => `attempt ${run.attempt} of slot ${run.slot} on ${run.serviceId} since ${iso(run.startedAt)}`,
  );
  const { overlap } = definition.policies;
  const next = nextSlot === null ? 'further slots' : `slot ${nextSlot}`;
  if (typeof overlap === 'object') {
    const full = inProgress.length >= overlap.allow ? '; further slots are skipped until one has ended' : '';
    return `${each.join('; ')} (${inProgress.length} of the ${overlap.allow} that overlap allows are in progress${full})`;
  }
  if (overlap === 'queue') return `${each.join('; ')} (${next} waits for its end, when it falls before)`;
  if (overlap === 'replace') return `${each.join('; ')} (${next} is to replace it)`;
  return each.join('; ');
}

function unbound(
  record: JobRecord,
  { past, candidates }: WhyFacts,
  { since, reason, detail }: Extract<JobRecord['ownership'], { kind: 'unbound' }>,
): WhyAnswer {
  const fit = candidates.filter((one) => ineligibility(placeable(record), one) === null);
  const room = fit.filter(({ owned, capacity }) => owned < capacity.maxOwnedJobs);
  const who =
    room.length === 0
      ? `nobody may take it: ${whyNobody(placeable(record), candidates)}`
      : `${room.map(({ serviceId }) => serviceId).join(', ')} may take it, and ${past ? 'had not' : 'should within moments'}`;
  const because = detail === null ? reason : `${reason}: ${detail}`;
  return answer('unbound', `nobody ${past ? 'owned' : 'owns'} it since ${iso(since)} (${because}); ${who}`);
}

/** The owner cannot start anything, by what is known of it; null: it can. */
function ownerTrouble({ found, owner, at, past }: WhyFacts): WhyAnswer | null {
  const ownership = recordOf(found.state)?.ownership;
  if (ownership?.kind !== 'bound') return null;
  const { serviceId, incarnation } = ownership;
  const mine = owner?.state.incarnations.find((one) => one.incarnation === incarnation);
  if (owner === null || mine === undefined) {
    // What cannot be read may be its registration.
    if (owner !== null && owner.state.unreadable !== null) return null;
    return answer(
      'owner-gone',
      `nothing in the log ${past ? 'registered' : 'registers'} its owner ${serviceId} (incarnation ${incarnation}); it is requeued after failAfter of silence`,
    );
  }
  if (mine.life === 'failed' || mine.life === 'stopped') {
    const words = serviceWords({ ...owner, current: mine }, at);
    return answer(
      'owner-gone',
      `its owner ${serviceId} was ${words}; another service takes it over`.replace('was stopped', 'has stopped'),
    );
  }
  // Beats are kept for a short while only: none may be left of a time that is long past.
  const silence = past && owner.beat === null ? 0 : (silenceMs(owner, at) ?? 0);
  if (silence <= SILENT_MS) return null;
  const words = `its owner ${serviceId} has been silent for ${span(silence)}; the others mark it failed, if there are any`;
  return answer('owner-silent', words);
}

function pending(record: JobRecord, { at, past, owner }: WhyFacts): WhyAnswer {
  const due = dueAt(record);
  const is = past ? 'was' : 'is';
  if (due === null) {
    const last = record.lastOutcome;
    const after = last === null ? '' : `; its last run ${last.outcome} at ${iso(last.at)}`;
    return answer('nothing-pending', `nothing ${is} pending: no slot follows${after}`);
  }
  const [waiting] = record.inProgress;
  if (due > at && waiting !== undefined) {
    const failed = record.lastOutcome?.detail == null ? '' : ` (${record.lastOutcome.detail})`;
    return answer(
      'retry-later',
      `attempt ${waiting.attempt} of slot ${waiting.slot} ended without success${failed}; the next not before ${iso(due)}`,
    );
  }
  if (due > at) return answer('slot-later', `no slot ${is} due: the next is ${iso(due)}, ${span(due - at)} later`);
  const late = `it ${is} due since ${iso(due)}`;
  const serviceId = record.ownership.kind === 'bound' ? record.ownership.serviceId : '';
  if (owner?.current?.life === 'draining') {
    return answer('owner-draining', `${late}; its owner ${serviceId} drains and gives it to another service`);
  }
  const running = owner?.beat?.running ?? 0;
  const most = owner?.current?.capacity.maxConcurrentRuns ?? Infinity;
  if (running >= most) {
    return answer(
      'owner-busy',
      `${late}; its owner ${serviceId} has ${running} runs open, as many as it may (${most})`,
    );
  }
  if (isSuspect(record)) {
    const words = `${late}; ${record.crashes.length} owners have died in it since its last success, and its owner ${serviceId} starts it when no other such job runs there`;
    return answer('suspect', words);
  }
  return answer(
    'due',
    `${late}; its owner ${serviceId} ${past ? 'had not started it yet' : 'should start it within moments'}`,
  );
}

/** Why one service may not own a job, in words; null: it may. */
export function unfit(job: Placeable, service: Candidate): string | null {
  const why = ineligibility(job, service) ?? (service.owned >= service.capacity.maxOwnedJobs ? 'full' : null);
  return why === null ? null : unfitWords[why](job, service);
}

const unfitWords: Record<Ineligibility, (job: Placeable, service: Candidate) => string> = {
  handler: ({ handler }) => `has no handler ${handler}`,
  tag: ({ tag }, { labels }) =>
    `lacks the label ${Object.entries(tag)
      .filter(([key, value]) => labels[key] !== value)
      .map(([key, value]) => `${key}=${value}`)
      .join(', ')}`,
  'not-live': (_job, { life }) => (life === 'failed' ? 'was marked failed' : 'has stopped'),
  draining: () => 'is draining',
  full: (_job, { owned }) => `owns ${owned} jobs, as many as it may`,
};

function answer(code: WhyAnswer['code'], words: string): WhyAnswer {
  return { code, words };
}
