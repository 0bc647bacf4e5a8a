import { CommandRefusedError, CommandUnavailableError, FencedError, OutcomeUnknownError } from '../commands';

/** Errors by which the log, or the fence, says no. Everything else is a mistake of this program. */
export function isExpected(error: unknown): boolean {
  return (
    error instanceof CommandRefusedError ||
    error instanceof FencedError ||
    error instanceof CommandUnavailableError ||
    error instanceof OutcomeUnknownError
  );
}
