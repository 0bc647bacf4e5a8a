import { Command } from '@nestjs/cqrs';
import type { Instant } from '../clock';
import type { JobCommand, JobState } from '../domain/job';
import type { Result } from '../domain/refusal';
import type { ScheduleLimits } from '../domain/schedule';
import type { ServiceCommand, ServiceState } from '../domain/service';
import type { ExecuteOptions, JobExecution, ServiceDirectory, ServiceExecution } from './contract';

/** What the executor adds to a command at the moment of each decision. */
export interface DecisionInputs {
  /** Id of the job or service. */
  readonly id: string;
  readonly commandId: string;
  /** Cluster time. */
  readonly at: Instant;
  readonly zoneData: string;
  /** What this service takes of schedules. */
  readonly limits: ScheduleLimits;
  /** From the authenticated context; null: not said. */
  readonly actor: string | null;
  readonly directory: ServiceDirectory;
}

/**
 * A command to one job. Instances are plain data; `ask` says what the domain is to decide, on the state as it was just folded.
 *
 * An application may extend a command to add rules of its own: an override of `ask` refuses (`{ ok: false, refusal }`) or asks `super`. What it
 * sees is the state that the append is decided on, so no race comes in between. The class that it extends handles it on the CommandBus.
 */
export abstract class CommandToJob extends Command<JobExecution> {
  abstract readonly jobId?: string;
  /** Pure. May be called several times: once per decision. */
  abstract ask(inputs: DecisionInputs, state: JobState): Result<JobCommand>;
}

/** A command to one service. */
export abstract class CommandToService extends Command<ServiceExecution> {
  abstract readonly serviceId: string;
  /** Pure. May be called several times: once per decision. */
  abstract ask(inputs: DecisionInputs, state: ServiceState): Result<ServiceCommand>;
}

export type AnyCommand = CommandToJob | CommandToService;

const attached = new WeakMap<object, ExecuteOptions>();

/**
 * Attaches to a command what its sender knows and the command does not carry (actor, correlation, time-out), so that it survives the way
 * over a CommandBus. Returns the same instance.
 */
export function withOptions<C extends AnyCommand>(command: C, options: ExecuteOptions): C {
  attached.set(command, { ...attached.get(command), ...options });
  return command;
}

export function optionsOf(command: AnyCommand): ExecuteOptions {
  return attached.get(command) ?? {};
}

/** Copies the fields of a plain object onto a command: own properties only, and nothing that reaches a prototype. */
export function assignFields(command: object, fields: object): void {
  for (const key of Object.keys(fields)) {
    const value: unknown = (fields as Record<string, unknown>)[key];
    // The only name by which an assignment reaches a prototype; defining every property would make each command a slow object.
    if (key === '__proto__')
      Object.defineProperty(command, key, { value, enumerable: true, writable: true, configurable: true });
    else (command as Record<string, unknown>)[key] = value;
  }
}
