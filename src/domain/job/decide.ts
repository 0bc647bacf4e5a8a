import type { JobCommand } from './commands';
import { decideBind, decideRelease, decideRequeue } from './decide-ownership';
import {
  decideCancel,
  decidePause,
  decideReleaseFromQuarantine,
  decideRemove,
  decideResolveHold,
  decideResume,
} from './decide-operator';
import { decideAbandon, decideComplete, decideFail, decideLate, decideStart } from './decide-runs';
import { decideBackfill } from './decide-backfill';
import { decideDeclaration } from './decide-declaration';
import { decideRequestRun, decideReschedule, decideSchedule } from './decide-schedule';
import { refuse } from './draft';
import type { JobDecision } from './refusals';
import { ScheduleUnreadable } from './slots';
import type { JobState } from './state';

/**
 * What a command makes of a job: the events to append, in this order, in one append (protocol §4); nothing; or a refusal.
 * A pure function of its arguments.
 *
 * 1. A caller's command id that the state knows adds nothing.
 * 2. An opaque job takes nothing but refused outcomes.
 * 3. A job that does not exist takes nothing but ScheduleJob and DeclareJob.
 * 4. The rest is decided by subject: schedule, ownership, runs, operator.
 *
 * A job whose schedule cannot be evaluated here is opaque to whatever would have to.
 */
export function decide(state: JobState, command: JobCommand): JobDecision {
  try {
    return decided(state, command);
  } catch (error) {
    if (!(error instanceof ScheduleUnreadable)) throw error;
    return refuse(
      'job-opaque',
      'schedule',
      error.message,
      `The schedule of this job cannot be evaluated here, with zone data ${command.zoneData}.`,
      'Use a process with newer zone data, or give the job another schedule.',
    );
  }
}

function decided(state: JobState, command: JobCommand): JobDecision {
  const readable = state.stage === 'opaque' ? state.before : state;
  if ('commandId' in command && command.commandId !== undefined && readable.stage !== 'absent') {
    const known = readable.commands.find((c) => c.id === command.commandId);
    if (known !== undefined) return { ok: true, events: [], knownRevision: known.revision };
  }
  if (state.stage === 'opaque') {
    if (command.kind === 'CompleteRun' || command.kind === 'FailRun') return decideLate(state, command);
    const { revision, type, why } = state.unreadable;
    return refuse(
      'job-opaque',
      '',
      `revision ${revision}, ${type}`,
      `An event of this job cannot be read here (${why}).`,
      'Use a process of a version that can read it.',
    );
  }
  if (command.kind === 'ScheduleJob') return decideSchedule(state, command);
  if (command.kind === 'DeclareJob') return decideDeclaration(state, command);
  if (state.stage === 'absent')
    return refuse('job-unknown', 'jobId', '', 'There is no job of this id.', 'Schedule it first, or correct the id.');
  switch (command.kind) {
    case 'RescheduleJob':
      return decideReschedule(state, command);
    case 'RequestRun':
      return decideRequestRun(state, command);
    case 'BackfillJob':
      return decideBackfill(state, command);
    case 'BindJob':
      return decideBind(state, command);
    case 'ReleaseJob':
      return decideRelease(state, command);
    case 'RequeueJob':
      return decideRequeue(state, command);
    case 'StartRun':
      return decideStart(state, command);
    case 'CompleteRun':
      return decideComplete(state, command);
    case 'FailRun':
      return decideFail(state, command);
    case 'AbandonRun':
      return decideAbandon(state, command);
    case 'PauseJob':
      return decidePause(state, command);
    case 'ResumeJob':
      return decideResume(state, command);
    case 'CancelJob':
      return decideCancel(state, command);
    case 'RemoveJob':
      return decideRemove(state, command);
    case 'ResolveHold':
      return decideResolveHold(state, command);
    case 'ReleaseFromQuarantine':
      return decideReleaseFromQuarantine(state, command);
    default: {
      const unknown: never = command;
      return unknown;
    }
  }
}
