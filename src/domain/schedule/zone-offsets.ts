import type { Instant } from '../instant';
import { fixedOffset } from './fixed-offset';
import { firstInstant, lastInstant } from './instants';

/** A stretch of time in which a zone's offset does not change, [start, end). Neighbours may have the same offset. */
export interface Segment {
  readonly start: Instant;
  readonly end: Instant;
  /** Wall time minus UTC, ms. */
  readonly offset: number;
  /** The wall time that had been reached before this segment: its start's own wall time, more after a fold, less after a gap. */
  readonly reached: number;
}

const DAY_MS = 86_400_000;
/** Read at a time; short enough that a first use is quick. */
const BLOCK_MS = 128 * DAY_MS;
/** No change of an offset is as large: what lies further back cannot have reached a later wall time. */
const LOOK_BACK_MS = 3 * DAY_MS;
const MOST_BLOCKS = 2_000;

/** The offsets of one zone. */
export interface Offsets {
  /** The segment that holds `instant`. */
  at(instant: Instant): Segment;
}

/** The offsets of one IANA zone, read from the process's zone data where they are needed. */
class ZoneOffsets implements Offsets {
  private readonly format: Intl.DateTimeFormat;
  private readonly blocks = new Map<number, readonly Segment[]>();

  /** @throws RangeError for a zone that this process's zone data does not know. */
  constructor(zone: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
  }

  /** The segment that holds `instant`. */
  at(instant: Instant): Segment {
    const segments = this.block(Math.floor(instant / BLOCK_MS));
    let i = segments.length - 1;
    while (segments[i].start > instant) i--;
    return segments[i];
  }

  private block(index: number): readonly Segment[] {
    const known = this.blocks.get(index);
    if (known) return known;
    if (this.blocks.size >= MOST_BLOCKS) this.blocks.clear();
    const segments = this.read(index * BLOCK_MS, (index + 1) * BLOCK_MS);
    this.blocks.set(index, segments);
    return segments;
  }

  private read(from: Instant, to: Instant): Segment[] {
    const segments: Segment[] = [];
    let start = from - LOOK_BACK_MS;
    let offset = this.offsetAt(start);
    let reached = start + offset;
    const close = (end: Instant) => {
      if (end > from) {
        const clipped = start < from;
        segments.push({
          start: clipped ? from : start,
          end,
          offset,
          reached: clipped ? Math.max(reached, from + offset) : reached,
        });
      }
      reached = Math.max(reached, end + offset);
      start = end;
    };
    let probed = start;
    while (probed < to) {
      const probe = Math.min(probed + DAY_MS, to);
      while (this.offsetAt(probe) !== offset) {
        const change = this.changeIn(Math.max(start, probed), probe, offset);
        if (change >= to) break;
        close(change);
        offset = this.offsetAt(change);
      }
      probed = probe;
    }
    close(to);
    return segments;
  }

  /** The first second in (from, to] at which the offset is not `offset` any more. */
  private changeIn(from: Instant, to: Instant, offset: number): Instant {
    let [before, after] = [from, to];
    while (after - before > 1_000) {
      const middle = before + Math.floor((after - before) / 2_000) * 1_000;
      if (this.offsetAt(middle) === offset) before = middle;
      else after = middle;
    }
    return after;
  }

  private offsetAt(instant: Instant): number {
    // en-US: MM/DD/YYYY, hh:mm:ss; the year has five digits where it is already 10000.
    const text = this.format.format(instant);
    const comma = text.indexOf(',');
    const part = (at: number, end = at + 2) => Number(text.slice(at, end));
    const wall = Date.UTC(part(6, comma), part(0) - 1, part(3), part(comma + 2), part(comma + 5), part(comma + 8));
    return wall - instant;
  }
}

/** One segment that holds every slot there can be: a fixed offset never changes. */
class FixedOffsets implements Offsets {
  private readonly always: Segment;

  constructor(offset: number) {
    const start = firstInstant - LOOK_BACK_MS;
    this.always = { start, end: lastInstant + LOOK_BACK_MS, offset, reached: start + offset };
  }

  at(): Segment {
    return this.always;
  }
}

const zones = new Map<string, Offsets>();
const MOST_ZONES = 256;

/** @throws RangeError for a zone that this process's zone data does not know. */
export function zoneOffsets(zone: string): Offsets {
  const known = zones.get(zone);
  if (known) return known;
  const fixed = zone === 'UTC' ? 0 : fixedOffset(zone);
  const offsets = fixed === null ? new ZoneOffsets(zone) : new FixedOffsets(fixed);
  if (zones.size >= MOST_ZONES) zones.delete(zones.keys().next().value as string);
  zones.set(zone, offsets);
  return offsets;
}
