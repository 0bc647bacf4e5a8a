import type { Refusal } from '../domain/refusal';
import type { LivenessOptions } from './options';

/** What is wrong with the times of liveness: out of range, or the inequality of stop-before-steal broken (protocol 5.6). */
export function checkLiveness(options: LivenessOptions): Refusal[] {
  const refusals: Refusal[] = [];
  const refuse = (field: keyof LivenessOptions, rule: string, remedy: string) =>
    refusals.push({ code: 'option', field: `liveness.${field}`, value: String(options[field]), rule, remedy });
  const times = ['beatMs', 'selfFenceAfterMs', 'loopDelayMs', 'abortGraceMs', 'failAfterMs', 'claimGraceMs'] as const;
  for (const field of times) {
    if (!Number.isFinite(options[field]) || options[field] <= 0)
      refuse(field, 'A time is a positive number of milliseconds.', 'Choose one, or leave it out for the default.');
  }
  const { clockRateError: rho } = options;
  if (!Number.isFinite(rho) || rho < 0 || rho >= 0.5)
    refuse('clockRateError', 'A rate error lies in 0 … 0.5.', 'Leave it out for 0.01.');
  if (refusals.length > 0) return refusals;

  if (options.beatMs * 4 > options.selfFenceAfterMs) {
    refuse(
      'beatMs',
      `A beat lasts at most a quarter of selfFenceAfterMs (${options.selfFenceAfterMs / 4} ms), or one lost beat fences the service.`,
      'Beat more often, or raise selfFenceAfterMs.',
    );
  }
  const stop = (options.selfFenceAfterMs + options.loopDelayMs + options.abortGraceMs) * (1 + rho);
  const steal = options.failAfterMs * (1 - rho);
  if (steal < stop) {
    const least = Math.ceil(stop / (1 - rho));
    refuse(
      'failAfterMs',
      `An owner must stop before its jobs are taken: failAfter·(1−ρ) = ${steal.toFixed(0)} ms is less than (selfFenceAfter + loopDelay + abortGrace)·(1+ρ) = ${stop.toFixed(0)} ms.`,
      `Set failAfterMs to at least ${least}, or lower selfFenceAfterMs, loopDelayMs or abortGraceMs.`,
    );
  }
  return refusals;
}
