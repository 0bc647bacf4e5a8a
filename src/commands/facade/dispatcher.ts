import type { CommandToJob, CommandToService } from '../command';
import type { CommandResult, ExecuteOptions, JobExecution, ServiceExecution } from '../contract';
import type { Names } from './known-options';

/** Whatever takes commands: Nest's CommandBus, or the executor itself. */
export interface CommandDispatcher {
  execute(command: CommandToJob): Promise<JobExecution>;
  execute(command: CommandToService): Promise<ServiceExecution>;
}

/** What the caller of a facade may say besides. */
export interface CallOptions extends Pick<ExecuteOptions, 'actor' | 'correlationId' | 'causationId' | 'timeoutMs'> {
  /** Makes a retry a no-op with the first result. Default: a new one. */
  readonly commandId?: string;
}

export const callOptions: Names<CallOptions> = {
  commandId: true,
  actor: true,
  correlationId: true,
  causationId: true,
  timeoutMs: true,
};

/** Parts call options into what the command carries and what goes with it. */
export function parted(options: CallOptions): {
  readonly own: { readonly commandId?: string };
  readonly beside: ExecuteOptions;
} {
  const { commandId, actor, correlationId, causationId, timeoutMs } = options;
  const beside = { actor, correlationId, causationId, timeoutMs };
  return {
    own: commandId === undefined ? {} : { commandId },
    beside: Object.fromEntries(Object.entries(beside).filter(([, value]) => value !== undefined)),
  };
}

/** Hosts get the answer, without the events and the state. */
export function answer({ id, revision, position, added }: CommandResult): CommandResult {
  return { id, revision, position, added };
}
