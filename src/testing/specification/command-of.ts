import {
  AbandonJobRunCommand,
  BackfillJobCommand,
  BindJobToServiceCommand,
  CancelJobCommand,
  CompleteJobRunCommand,
  DeclareJobCommand,
  FailJobRunCommand,
  PauseJobCommand,
  ReleaseFromQuarantineCommand,
  ReleaseJobCommand,
  RemoveJobCommand,
  RequeueJobCommand,
  RescheduleJobCommand,
  ResolveHoldCommand,
  ResumeJobCommand,
  RunJobNowCommand,
  ScheduleJobCommand,
  StartJobRunCommand,
  type CommandToJob,
  type DefinitionInput,
} from '../../commands';
import type { JobCommand, JobDefinition } from '../../domain/job';
import type { ScheduleInput } from '../../domain/schedule';

/** The command as people and services send it. What the executor adds (time, zone data, hashes, candidates) is left out. */
export function commandOf(jobId: string, asked: JobCommand): CommandToJob {
  switch (asked.kind) {
    case 'ScheduleJob': {
      const { definition, commandId, onConflict, renew } = asked;
      return new ScheduleJobCommand({ jobId, ...inputOf(definition), commandId, onConflict, renew });
    }
    case 'RescheduleJob':
      return new RescheduleJobCommand({ jobId, ...inputOf(asked.definition), commandId: asked.commandId });
    case 'DeclareJob': {
      const { definition, commandId, declaration, disabled, restart } = asked;
      return new DeclareJobCommand({ jobId, ...inputOf(definition), commandId, declaration, disabled, restart });
    }
    case 'RequestRun':
      return new RunJobNowCommand({ jobId, ...caller(asked) });
    case 'BackfillJob': {
      const { from, to, limit } = asked;
      return new BackfillJobCommand({ jobId, from, to, limit, ...caller(asked) });
    }
    case 'BindJob': {
      const { by, service, viewPosition, why, start, soleSuspect, commandId } = asked;
      return by === 'claim'
        ? new BindJobToServiceCommand({ by, jobId, service, viewPosition, why, start, soleSuspect })
        : new BindJobToServiceCommand({ by, jobId, serviceId: service.serviceId, commandId });
    }
    case 'ReleaseJob': {
      const { serviceId, incarnation, epoch, reason, target } = asked;
      return new ReleaseJobCommand({ jobId, serviceId, incarnation, epoch, reason, target });
    }
    case 'RequeueJob': {
      const { gone, to, nobody, viewPosition, quarantine } = asked;
      return new RequeueJobCommand({ jobId, gone, to, nobody, viewPosition, quarantine });
    }
    case 'StartRun': {
      const { serviceId, incarnation, epoch, soleSuspect, stuck } = asked;
      return new StartJobRunCommand({ jobId, serviceId, incarnation, epoch, soleSuspect, stuck });
    }
    case 'CompleteRun': {
      const { run, durationMs, then } = asked;
      return new CompleteJobRunCommand({ jobId, run, durationMs, then });
    }
    case 'FailRun': {
      const { run, durationMs, failure, then } = asked;
      return new FailJobRunCommand({ jobId, run, durationMs, failure, then });
    }
    case 'AbandonRun': {
      const { run, reason, timedOut, then } = asked;
      return new AbandonJobRunCommand({ jobId, run, reason, timedOut, ...(then && { then }) });
    }
    case 'PauseJob':
      return new PauseJobCommand({ jobId, ...caller(asked) });
    case 'ResumeJob':
      return new ResumeJobCommand({ jobId, ...caller(asked) });
    case 'CancelJob':
      return new CancelJobCommand({ jobId, ...caller(asked), mode: asked.mode });
    case 'RemoveJob':
      return new RemoveJobCommand({ jobId, ...caller(asked) });
    case 'ResolveHold':
      return new ResolveHoldCommand({ jobId, ...caller(asked), resolution: asked.resolution });
    case 'ReleaseFromQuarantine':
      return new ReleaseFromQuarantineCommand({ jobId, ...caller(asked) });
  }
}

function caller({ commandId, reason }: { readonly commandId: string; readonly reason: string }) {
  return { commandId, reason };
}

/** A definition as people would have written it. */
function inputOf({ schedule, ...rest }: JobDefinition): DefinitionInput {
  const { start, end, maxRuns, jitterMs: jitter } = schedule;
  const bounds = { start: start ?? undefined, end: end ?? undefined, maxRuns: maxRuns ?? undefined, jitter };
  const input = (): ScheduleInput => {
    switch (schedule.kind) {
      case 'once':
        return { kind: 'once', at: schedule.at, ...bounds };
      case 'interval':
        return { kind: 'interval', every: schedule.everyMs, origin: schedule.origin ?? undefined, ...bounds };
      case 'cron':
        return { kind: 'cron', pattern: schedule.pattern, zone: schedule.zone, days: schedule.days, ...bounds };
      case 'calendar': {
        const { unit, every, at, zone, missing } = schedule;
        const [origin, day] = [schedule.origin ?? undefined, schedule.day ?? undefined];
        const when = { at, zone, origin, ...bounds };
        if (unit === 'day') return { kind: 'calendar', every: `P${every}D`, ...when };
        if (unit === 'week') return { kind: 'calendar', every: `P${every}W`, weekdays: schedule.weekdays, ...when };
        return { kind: 'calendar', every: `P${every}M`, day, missing, ...when };
      }
    }
  };
  return { ...rest, schedule: input() };
}
