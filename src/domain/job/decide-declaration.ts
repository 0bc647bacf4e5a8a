import type { DeclareJob } from './commands';
import { resume } from './decide-operator';
import { begin, change } from './decide-schedule';
import { Draft } from './draft';
import type { JobDecision } from './refusals';
import { refuseEnded, refuseNotLive } from './standing';
import type { AbsentJob, JobRecord } from './state';

const nothing: JobDecision = { ok: true, events: [] };

/**
 * A declaration is applied when the log has not seen it yet, and then in full: `[JobScheduled]` for a new job or one that has ended,
 * `[…, JobRescheduled]` for one that lives, also when only the declaration is new; and `JobPaused` or `JobResumed` where `disabled` asks for it.
 *
 * The one in force adds nothing, so what an operator has done since stays; only a completed job begins anew if `restart` asks for it.
 * One that was replaced adds nothing for ever: in a rolling deploy, replicas of the former release start too.
 */
export function decideDeclaration(state: AbsentJob | JobRecord, command: DeclareJob): JobDecision {
  const { jobId, definition, definitionHash, declaration, disabled, at, zoneData, commandId } = command;
  const given = { definition, definitionHash, declaration };
  const draft = new Draft(state, at, zoneData, commandId);
  const anew = (): JobDecision => {
    const refused = begin(draft, state, { jobId, ...given });
    if (refused !== null) return refused;
    if (disabled) pause(draft);
    return draft.done();
  };
  if (state.stage === 'absent') return anew();
  const known = state.declaration;
  if (known?.hash === declaration.hash) return completedByItself(state) && command.restart ? anew() : nothing;
  if (known?.replaced.includes(declaration.hash)) return nothing;
  if (refuseEnded(state) !== null) return anew();
  // A job that callers made is adopted as it stands: their pause was not of a declaration that has changed.
  const paused = disabled || (known === undefined && state.paused);
  // Whether it is paused counts once it leaves quarantine, and that is the operator's to say first.
  const unable = paused === state.paused ? null : refuseNotLive(state);
  if (unable !== null) return unable;
  const refused = change(draft, given);
  if (refused !== null) return refused;
  if (paused && !state.paused) pause(draft);
  if (!paused && state.paused) resume(draft, 'its declaration has changed');
  return draft.done();
}

/** Not by a cancel that waited for its open run. */
function completedByItself(state: JobRecord): boolean {
  return state.stage === 'completed' && !state.ending;
}

function pause(draft: Draft): void {
  draft.push({ type: 'JobPaused', data: { reason: 'disabled by its declaration', at: draft.at } });
}
