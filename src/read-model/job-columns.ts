import { dueAt, isSuspect, openRuns, statusOf, type JobRecord, type JobStatus, type OpaqueJob } from '../domain/job';
import type { Instant } from '../clock';

/** The columns of `jobs` that follow from the folded state; JSON as text. */
export interface JobColumns {
  readonly nextRunTime: Instant | null;
  readonly serviceId: string | null;
  readonly incarnation: string | null;
  readonly tag: string;
  readonly stage: JobRecord['stage'] | 'opaque';
  readonly status: JobStatus | 'opaque';
  readonly handler: string;
  readonly priority: number;
  /** Not in the table: only whether it changed counts. */
  readonly affinity: JobRecord['definition']['affinity'];
  readonly epoch: number;
  readonly attempt: number;
  /** Open runs. */
  readonly running: number;
  readonly suspect: 0 | 1;
  /** The service that it was released for, while nobody owns it. */
  readonly target: string | null;
  readonly revision: number;
  readonly lastOutcome: string | null;
  /** The application whose code declares it; null when none does, or the job has ended. */
  readonly declaredBy: string | null;
}

/** What the row says of a state. Pure: the columns are an index over `job_state`, never more. */
export function columnsOf(state: JobRecord | OpaqueJob): JobColumns {
  if (state.stage === 'opaque') return opaqueColumns(state);
  const { ownership, definition, inProgress } = state;
  const owner = state.stage === 'live' && ownership.kind === 'bound' ? ownership : null;
  const slot = inProgress.find((one) => one.run !== null) ?? inProgress[0];
  return {
    nextRunTime: state.stage === 'live' ? dueAt(state) : null,
    serviceId: owner?.serviceId ?? null,
    incarnation: owner?.incarnation ?? null,
    tag: JSON.stringify(definition.tag),
    stage: state.stage,
    status: statusOf(state),
    handler: definition.handler,
    priority: definition.policies.priority,
    affinity: definition.affinity,
    epoch: state.epoch,
    attempt: slot?.attempt ?? 0,
    running: openRuns(state).length,
    target: state.stage === 'live' && ownership.kind === 'unbound' ? ownership.target : null,
    suspect: state.stage === 'live' && isSuspect(state) ? 1 : 0,
    revision: state.revision,
    lastOutcome: state.lastOutcome === null ? null : JSON.stringify(state.lastOutcome),
    declaredBy: state.stage === 'live' || state.stage === 'quarantined' ? (state.declaration?.source ?? null) : null,
  };
}

/** An opaque job shows what was known of it, and is nobody's to run: it has no next run time, and no incarnation owns it. */
function opaqueColumns(state: OpaqueJob): JobColumns {
  const { before } = state;
  const known =
    before.stage === 'absent'
      ? {
          serviceId: null,
          tag: '{}',
          handler: '',
          priority: 0,
          affinity: 'required' as const,
          epoch: 0,
          attempt: 0,
          lastOutcome: null,
          declaredBy: null,
        }
      : columnsOf(before);
  return {
    ...known,
    nextRunTime: null,
    incarnation: null,
    stage: 'opaque',
    status: 'opaque',
    running: 0,
    suspect: 0,
    target: null,
    revision: state.revision,
  };
}
