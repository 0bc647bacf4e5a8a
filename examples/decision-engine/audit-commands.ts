import {
  CancelJobCommand,
  PauseJobCommand,
  RemoveJobCommand,
  RescheduleJobCommand,
  ResumeJobCommand,
  RunJobNowCommand,
  type DecisionInputs,
  type JobRecord,
  type JobState,
  type Refusal,
} from 'holdfast';
import type { AuditChanges, AuditPayload } from './audit';
import { changedAudit } from './audit-definition';
import { auditState, refuseChange, refuseTransition, refuseTrigger, type AuditState } from './audit-state';

/*
 * What may be asked of an audit: Holdfast's own commands, with the rules of audits before them. Both are judged on the state that the append is
 * decided on, so an audit that changes meanwhile is judged anew. The handlers are those of the commands that they extend.
 */

type Asked = ReturnType<PauseJobCommand['ask']>;

/** The rule speaks only where there is an audit that can be read, and of a command that was not carried out before. */
function refused(
  state: JobState,
  { commandId }: DecisionInputs,
  rule: (record: JobRecord) => Refusal | null,
): Asked | null {
  if (state.stage === 'absent' || state.stage === 'opaque') return null;
  if (state.commands.some(({ id }) => id === commandId)) return null;
  const refusal = rule(state);
  return refusal === null ? null : { ok: false, refusal };
}

const becomes = (to: AuditState) => (record: JobRecord) => refuseTransition(auditState(record), to);

/** ONGOING → SUSPENDED. A run that is open may finish. */
export class SuspendAuditCommand extends PauseJobCommand {
  override ask(inputs: DecisionInputs, state: JobState): Asked {
    return refused(state, inputs, becomes('SUSPENDED')) ?? super.ask(inputs, state);
  }
}

/** SUSPENDED → ONGOING, also out of quarantine. */
export class ResumeAuditCommand extends ResumeJobCommand {
  override ask(inputs: DecisionInputs, state: JobState): Asked {
    const not = refused(state, inputs, becomes('ONGOING'));
    if (not !== null) return not;
    if (state.stage !== 'quarantined') return super.ask(inputs, state);
    const { commandId, at, zoneData } = inputs;
    return { ok: true, value: { kind: 'ReleaseFromQuarantine', commandId, at, zoneData, reason: this.reason ?? '' } };
  }
}

/** PENDING or ONGOING → CANCELLED. A run that is open is told to stop. */
export class CancelAuditCommand extends CancelJobCommand {
  override ask(inputs: DecisionInputs, state: JobState): Asked {
    return refused(state, inputs, becomes('CANCELLED')) ?? super.ask(inputs, state);
  }
}

/** → DELETED: out of every default listing, kept in the log. */
export class DeleteAuditCommand extends RemoveJobCommand {
  override ask(inputs: DecisionInputs, state: JobState): Asked {
    return refused(state, inputs, becomes('DELETED')) ?? super.ask(inputs, state);
  }
}

/** An EVENT audit runs, now. */
export class TriggerAuditCommand extends RunJobNowCommand {
  override ask(inputs: DecisionInputs, state: JobState): Asked {
    return refused(state, inputs, refuseTrigger) ?? super.ask(inputs, state);
  }
}

/** Other interval, window, goal, strategy, parameters, scope, tag: from the next run on. */
export class UpdateAuditCommand extends RescheduleJobCommand {
  readonly #changes: AuditChanges;

  constructor({ changes, ...fields }: { jobId: string; commandId?: string; changes: AuditChanges }) {
    super(fields);
    this.#changes = changes;
  }

  override ask(inputs: DecisionInputs, state: JobState): Asked {
    const not = refused(state, inputs, refuseChange);
    if (not !== null) return not;
    if (state.stage === 'absent' || state.stage === 'opaque') return super.ask(inputs, state);
    const { tag, affinity } = state.definition;
    const payload = state.definition.payload as unknown as AuditPayload;
    const changed = changedAudit({ payload, tag, affinity }, this.#changes);
    if (!changed.ok) return { ok: false, refusal: changed.refusals[0] };
    return new RescheduleJobCommand({ jobId: this.jobId, ...changed.value }).ask(inputs, state);
  }
}
