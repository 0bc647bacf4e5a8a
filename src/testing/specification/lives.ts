import type { JobDefinition } from '../../domain/job';
import { aDefinition, aRun, ask, everyMinute, slot, t, T0, two } from './a-job';
import type { Given } from './specification';

/** Lives of the job, up to a point at which a specification begins. */

/** The run of the first slot, by service one. */
export const run1 = aRun(slot(1));
export const retrying = aDefinition({}, { retry: { maxRetries: 2, initialMs: 1_000, factor: 2, maxMs: 300_000 } });
export const holding = aDefinition({}, { onOwnerLoss: 'hold' });

/** Scheduled at T0, owned by nobody. */
export function unbound(definition: JobDefinition = everyMinute): readonly Given[] {
  return [ask.schedule(T0, definition)];
}
/** Owned by service one, epoch 1; nothing is due before `slot(1)`. */
export function bound(definition: JobDefinition = everyMinute): readonly Given[] {
  return [...unbound(definition), ask.claim(t(0, 1))];
}
/** The first slot runs at service one. */
export function running(definition: JobDefinition = everyMinute): readonly Given[] {
  return [...bound(definition), ask.start(t(1))];
}
/** The first slot has failed at `t(1, 10)` and waits for its retry at `t(1, 1_010)`. */
export function waiting(): readonly Given[] {
  return [...running(retrying), ask.fail(t(1, 10), run1)];
}
/** The owner died in the first slot at `t(1, 10)`; service two owns the job, epoch 2, and an operator must judge. */
export function held(definition: JobDefinition = holding): readonly Given[] {
  return [...running(definition), ask.requeue(t(1, 10), two)];
}
export function paused(definition: JobDefinition = everyMinute): readonly Given[] {
  return [...bound(definition), ask.pause(t(0, 2))];
}
/** One crash was enough, at `t(1, 10)`. */
export function quarantined(): readonly Given[] {
  return [...running(), ask.requeue(t(1, 10), two, { crashes: 1 })];
}
export function completed(): readonly Given[] {
  return [
    ...running(aDefinition({ schedule: { kind: 'once', at: t(1), start: null, end: null, maxRuns: null } })),
    ask.complete(t(1, 10), run1),
  ];
}
export function cancelled(): readonly Given[] {
  return [...bound(), ask.cancel(t(0, 2))];
}
export function removed(): readonly Given[] {
  return [...bound(), ask.remove(t(0, 2))];
}
