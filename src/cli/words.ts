import type { JobRow } from '../read-model';
import { silenceMs, type SeenService } from './service-streams';

/** Silence after which the state of a service is shown with it, ms: the time after which others mark it failed by default. */
export const SILENT_MS = 6_000;

/** `2026-03-29T01:00:00.000Z`; null stays null. */
export function iso(instant: number): string;
export function iso(instant: number | null): string | null;
export function iso(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}

/** `0.4 s`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function span(ms: number): string {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

/**
 * What became of a service, in words: `live, last beat 0.4 s ago`, `marked failed at … by an observer`.
 * @param past `now` is a time gone by, of which beats may not be kept.
 */
export function serviceWords(service: SeenService, now: number, past = false): string {
  const { current, beat, state } = service;
  if (state.unreadable !== null) return `unreadable here since revision ${state.unreadable.revision}`;
  if (current === null) return 'never registered';
  const { life, endedAt, failedBy, confirmedDead } = current;
  if (life === 'stopped') return `stopped at ${iso(endedAt)}`;
  if (life === 'failed') {
    const dead = confirmedDead ? ', the process is dead' : '';
    return `marked failed at ${iso(endedAt)} by ${failedBy === 'operator' ? 'an operator' : 'an observer'}${dead}`;
  }
  if (past && beat === null) return `${life} (its beats of that time are not kept)`;
  const silence = silenceMs(service, now) ?? 0;
  const ago =
    beat === null
      ? `no beat since its registration ${span(silence)} before`
      : `last beat ${span(silence)} ${past ? 'before' : 'ago'}`;
  return `${life}${silence > SILENT_MS ? ', silent' : ''}, ${ago}`;
}

export function pairs(dictionary: { readonly [key: string]: string }): string {
  return Object.entries(dictionary)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** A row of `jobs` in JSON. */
export function jobRowJson({ state: _state, ...row }: JobRow): object {
  const { jobId, status, serviceId, incarnation, epoch, attempt, handler, tag, revision, position } = row;
  return {
    jobId,
    status,
    serviceId,
    incarnation,
    epoch,
    attempt,
    handler,
    tag,
    nextRunTime: iso(row.nextRunTime),
    lastOutcome: row.lastOutcome === null ? null : { ...row.lastOutcome, at: iso(row.lastOutcome.at) },
    revision,
    position: String(position),
  };
}
