import { streamNameProblem } from './append-check';
import type { ReadStreamOptions } from './port';

/** Most events of one read. */
export const MAX_LIMIT = 10_000;
/** Fencing tokens leave nine bits for the generation. */
export const LAST_GENERATION = 511;

/** @throws RangeError naming the option, its value and the rule. */
export function checkLimit(name: string, limit: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new RangeError(`${name} ${limit}: must be a whole number from 1 to ${MAX_LIMIT}.`);
}

/** @throws RangeError naming the option, its value and the rule. */
export function checkReadStream({ direction, from, limit }: ReadStreamOptions): void {
  checkLimit('limit', limit);
  if (direction !== 'forwards' && direction !== 'backwards')
    throw new RangeError(`direction ${String(direction)}: must be forwards or backwards.`);
  if (from !== undefined && (!Number.isSafeInteger(from) || from < 0))
    throw new RangeError(`from ${from}: must be a revision (0, 1, …).`);
}

/** @throws RangeError naming the argument, its value and the rule. */
export function checkKeepLast(stream: string, count: number, maxAgeMs?: number): void {
  const problem = streamNameProblem(stream);
  if (problem !== null) throw new RangeError(`stream: ${problem}.`);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RangeError(`count ${count}: must be a whole number of at least 1.`);
  if (maxAgeMs !== undefined && (!Number.isSafeInteger(maxAgeMs) || maxAgeMs < 1_000))
    throw new RangeError(`maxAgeMs ${maxAgeMs}: must be a whole number of at least 1,000.`);
}

export function generationsUsedUp(): RangeError {
  return new RangeError(
    `generation ${LAST_GENERATION} is the last one: start a new log, fencing tokens hold no greater generation.`,
  );
}
