import {
  CommandRefusedError,
  DrainServiceCommand,
  MarkServiceFailedCommand,
  ReassertServiceCommand,
  RegisterServiceCommand,
  StopServiceCommand,
  type ExecuteOptions,
  type ServiceExecution,
} from '../commands';
import type { ServiceStopped } from '../domain/service';
import type { Logger } from '../logging';

/** What membership sends: the executor. */
export interface MembershipCommands {
  execute(
    command:
      | RegisterServiceCommand
      | ReassertServiceCommand
      | MarkServiceFailedCommand
      | DrainServiceCommand
      | StopServiceCommand,
    options?: ExecuteOptions,
  ): Promise<ServiceExecution>;
}

/** A definite answer, or none in time. */
export type Answer =
  | { readonly kind: 'appended'; readonly position: bigint; readonly revision: number }
  | { readonly kind: 'refused'; readonly code: string; readonly words: string }
  | { readonly kind: 'no-answer'; readonly words: string };

/** Executes, and turns errors into answers. */
export async function answer(work: Promise<ServiceExecution>): Promise<Answer> {
  try {
    const { position, revision } = await work;
    return { kind: 'appended', position, revision };
  } catch (error) {
    if (error instanceof CommandRefusedError) return { kind: 'refused', code: error.code, words: error.message };
    return { kind: 'no-answer', words: error instanceof Error ? error.message : String(error) };
  }
}

/** ServiceStopped, or a line that says why it is not in the log. */
export async function recordStop(
  { commands, logger }: { readonly commands: MembershipCommands; readonly logger: Logger },
  serviceId: string,
  incarnation: string,
  leftovers: ServiceStopped['data']['leftovers'],
): Promise<void> {
  const result = await answer(commands.execute(new StopServiceCommand({ serviceId, incarnation, leftovers })));
  if (result.kind !== 'appended') logger.warn('service.stop-not-recorded', { incarnation, words: result.words });
}
