import type { JobRecord, Refusal } from 'holdfast';
import type { AuditPayload } from './audit';

/** The states of OpenStack Watcher's audits. */
export type AuditState = 'PENDING' | 'ONGOING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | 'SUSPENDED' | 'DELETED';

/** What an audit may become, and from where; Watcher's table. */
export const transitions: { readonly [from in AuditState]: readonly AuditState[] } = {
  PENDING: ['ONGOING', 'CANCELLED'],
  ONGOING: ['FAILED', 'SUCCEEDED', 'CANCELLED', 'SUSPENDED'],
  FAILED: ['DELETED'],
  SUCCEEDED: ['DELETED'],
  CANCELLED: ['DELETED'],
  SUSPENDED: ['ONGOING', 'DELETED'],
  DELETED: [],
};

/** An audit in one of these does not run by its schedule. */
export function isInactive(state: AuditState): boolean {
  return state === 'CANCELLED' || state === 'DELETED' || state === 'FAILED' || state === 'SUSPENDED';
}

/**
 * The state of an audit is nobody's to set: it follows from the facts of its job.
 *
 * - A CONTINUOUS audit is ONGOING from its first run on, also between runs and after a run that has failed for good: its next slot comes.
 * - It is SUCCEEDED when its window is over and nothing is left to run; FAILED if the last run of all has failed.
 * - An EVENT audit is ONGOING from a trigger to the end of that run, then SUCCEEDED or FAILED until the next trigger.
 * - A job in quarantine (its owners died in it) is SUSPENDED: it waits for an operator.
 */
export function auditState(record: JobRecord): AuditState {
  const { stage, lastOutcome } = record;
  if (stage === 'removed') return 'DELETED';
  if (stage === 'cancelled') return 'CANCELLED';
  if (stage === 'completed')
    return lastOutcome === null || lastOutcome.outcome === 'succeeded' ? 'SUCCEEDED' : 'FAILED';
  if (record.paused || stage === 'quarantined') return 'SUSPENDED';
  const begun = record.inProgress.length > 0 || lastOutcome !== null;
  const { type } = record.definition.payload as unknown as AuditPayload;
  if (type !== 'EVENT') return begun ? 'ONGOING' : 'PENDING';
  if (record.inProgress.length > 0 || record.requested.length > 0) return 'ONGOING';
  if (lastOutcome === null) return 'PENDING';
  return lastOutcome.outcome === 'succeeded' ? 'SUCCEEDED' : 'FAILED';
}

/** Why an audit cannot become what somebody wants it to be; null: it can. */
export function refuseTransition(from: AuditState, to: AuditState): Refusal | null {
  const possible = transitions[from];
  if (possible.includes(to)) return null;
  const rule = `An audit that is ${from} cannot become ${to}.`;
  const remedy =
    from === to ? 'Nothing is to be done.' : possible.length === 0 ? 'Create a new audit.' : remedies[from];
  return { code: 'state-transition', field: 'state', value: to, rule, remedy };
}

const remedies: { readonly [from in AuditState]: string } = {
  PENDING: 'Wait for its first run, or cancel it.',
  ONGOING: 'Suspend or cancel it.',
  FAILED: 'Delete it, and create a new audit.',
  SUCCEEDED: 'Delete it, and create a new audit.',
  CANCELLED: 'Delete it, and create a new audit.',
  SUSPENDED: 'Resume or delete it.',
  DELETED: 'Create a new audit.',
};

/** Why an audit cannot be triggered from outside; null: it can. While it runs a trigger is kept, and runs next. */
export function refuseTrigger(record: JobRecord): Refusal | null {
  const { type } = record.definition.payload as unknown as AuditPayload;
  const state = auditState(record);
  const code = 'trigger';
  if (type !== 'EVENT') {
    const rule = 'Only an EVENT audit is triggered from outside.';
    return { code, field: 'type', value: type, rule, remedy: 'Wait for its schedule, or create an EVENT audit.' };
  }
  if (record.stage === 'live' && state !== 'SUSPENDED') return null;
  const rule = `An audit that is ${state} is not triggered.`;
  return { code, field: 'state', value: state, rule, remedy: remedies[state] };
}

/** Why an audit cannot be changed; null: it can. */
export function refuseChange(record: JobRecord): Refusal | null {
  if (record.stage === 'live' || record.stage === 'quarantined') return null;
  const state = auditState(record);
  const rule = `An audit that is ${state} is over; it cannot be changed.`;
  return { code: 'audit-over', field: 'state', value: state, rule, remedy: 'Create a new audit.' };
}

/** Where an instant lies in the window of an audit: from `start` on (inclusive), before `end`. */
export function windowAt(
  { start, end }: Pick<AuditPayload, 'start' | 'end'>,
  now: number,
): 'before' | 'inside' | 'after' {
  if (start !== null && now < Date.parse(start)) return 'before';
  return end !== null && now >= Date.parse(end) ? 'after' : 'inside';
}
