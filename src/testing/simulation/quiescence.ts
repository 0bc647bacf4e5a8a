import { dueAt, isSuspect, openRuns, placeable, type JobRecord, type JobState } from '../../domain/job';
import { labelsMatch } from '../../domain/placement';
import type { LivenessOptions, Membership } from '../../membership';
import type { HoldfastService } from '../../runtime';
import type { Judge } from './judge';
import type { Witness } from './witness';

/** A job that is due for so long, and nothing is started of it, has been forgotten, ms. */
const FORGOTTEN_MS = 10_000;
const JUST_NOW_MS = 2_000;
/** So many registrations of a service are free of back-off. */
const FREE_REGISTRATIONS = 5;
/**
 * A job that its owner has given away (home, for balance, out of lateness, as stuck) has no owner for so long at the most: the claim of the first, then
 * claimGrace for each further one, four for a target, ms.
 */
const HANDED_OVER_MS = 5_000;

/**
 * How long a healed world is left alone before its jobs must be where they belong, ms: the bound of the protocol (5.15), with the figures of
 * these options. A verdict may take twice failAfter (its observer has judged falsely before) and one more window (more than half are silent); a
 * service that died before may be observed for as long by its successor; then claims by rank.
 */
export function quietTimeMs({ failAfterMs, claimGraceMs, beatMs }: LivenessOptions): number {
  return 8 * failAfterMs + 20 * claimGraceMs + 5 * beatMs;
}

export interface LivingService {
  /** Of its process. */
  readonly name: string;
  readonly service: HoldfastService;
  readonly webOnly: boolean;
}

export interface Quiet {
  readonly judge: Judge;
  readonly witness: Witness;
  readonly services: readonly LivingService[];
  /** By the clock of the log. */
  readonly now: number;
  readonly trueTime: number;
}

/** What the owner goes by: one whose wall clock was behind that of the log when it started is late by as much (protocol §9: the smaller counts). */
function clusterTimeOf(process: string, { services, now }: Quiet): number {
  const service = services.find(({ name }) => name === process)?.service;
  return Math.min(now, service?.membership?.clusterTime.now() ?? now);
}

/** I5 and I8 in a world in which nothing goes wrong any more. */
export function checkQuiet(quiet: Quiet): void {
  const { judge } = quiet;
  for (const one of quiet.services) checkService(one, judge);
  const alive = judge.alive();
  for (const [jobId, { state, changedAt }] of judge.jobs) {
    if (state.stage !== 'live') continue;
    const { ownership } = state;
    if (ownership.kind === 'unbound') {
      if (quiet.trueTime - changedAt < HANDED_OVER_MS) continue;
      // A process in which a handler of the job has not settled, or a moment ago, ranks itself out (protocol 3.7).
      const stuckIn = quiet.witness.runs
        .filter((run) => run.jobId === jobId && (run.leftAt === null || quiet.trueTime - run.leftAt < JUST_NOW_MS))
        .map((run) => run.process);
      const fit = alive.filter((one) => !one.draining && fits(state, one) && !stuckIn.includes(one.process));
      if (fit.length > 0)
        judge.violate(
          'I5',
          `${jobId} has no owner (${ownership.reason}) and ${fit.map(({ serviceId }) => serviceId).join(', ')} could take it.`,
        );
      continue;
    }
    const owner = alive.find(({ incarnation }) => incarnation === ownership.incarnation);
    if (owner === undefined) {
      if (alive.some((one) => !one.draining))
        judge.violate('I5', `${jobId} is bound to ${ownership.serviceId} (${ownership.incarnation}), which is gone.`);
      continue;
    }
    if (!fits(state, owner) && openRuns(state).length === 0)
      judge.violate('I4', `${jobId} is bound to ${ownership.serviceId}, which is not eligible, and is not released.`);
    checkWork(jobId, state, { ...quiet, now: clusterTimeOf(owner.process, quiet) });
  }
}

/** Whoever lives is registered, or says why it is not, and its view shows all. */
function checkService({ name: process, service, webOnly }: LivingService, judge: Judge): void {
  const { membership, readModel } = service;
  judge.senders.knowsTheLog(process);
  if (webOnly) {
    if (membership !== null) judge.violate('5.14', `${process} serves requests only, and has a membership.`);
  } else if (membership === null) judge.violate('I5', `${process} has not started.`);
  else checkMember(process, membership, judge);
  const position = readModel.position();
  if (judge.newest > 0n && (position === 'start' || position < judge.newest))
    judge.violate('I7', `The view of ${process} stands at ${position}, and the newest fact is ${judge.newest}.`);
}

function checkMember(process: string, membership: Membership, judge: Judge): void {
  const { serviceId, state, incarnation, detail } = membership.health();
  // Who was registered again and again waits before it is once more (protocol 5.8).
  const lives = [...judge.incarnations.values()].filter((one) => one.serviceId === serviceId).length;
  if (state === 'idle' && lives >= FREE_REGISTRATIONS) return judge.note('registration-backs-off');
  // After a false verdict it stays away for a while that is doubled each time; and whoever was told to drain does not come back by itself.
  const staysAway = (state === 'fenced' && incarnation === null) || membership.draining();
  if (!staysAway && !['registered', 'draining', 'identity-conflict', 'stopped'].includes(state))
    judge.violate('I5', `${process} is ${state} (${detail}) in a world in which nothing is wrong.`);
}

function checkWork(jobId: string, state: JobRecord, quiet: Omit<Quiet, 'services'>): void {
  const { judge, witness, now, trueTime } = quiet;
  for (const run of openRuns(state)) {
    // The outcome of a handler that has settled a moment ago is on its way.
    const runs = witness.runs.some(
      (one) =>
        one.jobId === jobId &&
        one.slot === run.slot &&
        one.attempt === run.attempt &&
        (one.leftAt === null || trueTime - one.leftAt < JUST_NOW_MS),
    );
    if (!runs && now - run.startedAt > FORGOTTEN_MS)
      judge.violate('I5', `${jobId}: the run of ${run.slot} (attempt ${run.attempt}) is open and nobody executes it.`);
  }
  const due = dueAt(state);
  if (due !== null && due < now - FORGOTTEN_MS && !waitsAsSuspect(state, quiet))
    judge.violate('I8', `${jobId} has been due for ${Math.round(now - due)} ms, and nothing is started.`);
}

/** Its owner runs a suspect, or did a moment ago, another or a run of this one: at most one at a time (5.11). */
function waitsAsSuspect(state: JobRecord, { judge, witness, trueTime }: Omit<Quiet, 'services'>): boolean {
  const { ownership } = state;
  if (ownership.kind !== 'bound' || !isSuspect(state)) return false;
  return witness.runs.some(({ jobId, incarnation, leftAt }) => {
    const other: JobState | undefined = judge.jobs.get(jobId)?.state;
    return (
      incarnation === ownership.incarnation &&
      (leftAt === null || trueTime - leftAt < FORGOTTEN_MS) &&
      other !== undefined &&
      other.stage !== 'absent' &&
      other.stage !== 'opaque' &&
      isSuspect(other)
    );
  });
}

/** It has the handler of the job, and labels that its tag asks for. */
export function fits(
  state: JobRecord,
  one: { readonly handlers: readonly string[]; readonly labels: { readonly [key: string]: string } },
): boolean {
  const { handler, tag, affinity } = placeable(state);
  return one.handlers.includes(handler) && (affinity === 'preferred' || labelsMatch(tag, one.labels));
}
