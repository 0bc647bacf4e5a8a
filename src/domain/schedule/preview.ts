import type { Instant } from '../instant';
import { dueTime } from './jitter';
import { firstInstant } from './instants';
import type { AnchoredSchedule, Schedule } from './schedule';
import { preview } from './slots';
import { zoneOffsets, type Offsets } from './zone-offsets';

/** A slot to come. */
export interface PreviewedSlot {
  readonly slot: Instant;
  /** When it is due: with jitter up to so much later. */
  readonly dueAt: Instant;
  /** What the clock on the wall shows at the slot, and its offset: `2026-03-29T03:00:00+02:00`. UTC for kinds without a zone. */
  readonly local: string;
}

/**
 * The first `n` slots after `after` (exclusive), as many as `maxRuns` allows, when each is due, and what the clock on the wall shows then.
 * A `once` is previewed wherever it lies: late, it would still run.
 *
 * @param jobId jitter is another for each job.
 */
export function previewSlots(anchored: AnchoredSchedule, after: Instant, n: number, jobId: string): PreviewedSlot[] {
  const { schedule } = anchored;
  const from = schedule.kind === 'once' ? firstInstant - 1 : after;
  const offsets = zoneOffsets(zoneOf(schedule));
  return preview(anchored, from, Math.min(n, schedule.maxRuns ?? n)).map((slot) => ({
    slot,
    dueAt: dueTime(anchored, jobId, slot),
    local: localTime(slot, offsets),
  }));
}

function zoneOf(schedule: Schedule): string {
  return schedule.kind === 'cron' || schedule.kind === 'calendar' ? schedule.zone : 'UTC';
}

function localTime(instant: Instant, offsets: Offsets): string {
  const { offset } = offsets.at(instant);
  const wall = new Date(instant + offset).toISOString();
  return `${wall.slice(0, wall.endsWith('.000Z') ? -5 : -1)}${offset === 0 ? 'Z' : offsetWords(offset)}`;
}

function offsetWords(offset: number): string {
  const seconds = Math.abs(offset) / 1_000;
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = (parts[2] === 0 ? parts.slice(0, 2) : parts).map((part) => String(part).padStart(2, '0'));
  return `${offset < 0 ? '-' : '+'}${shown.join(':')}`;
}
