import type { Instant } from '../instant';
import type { SlotRule } from './slot-rule';
import type { WallRule } from './wall-rule';
import type { Offsets, Segment } from './zone-offsets';

/** More than any offset: a slot and its wall time are nearer to each other than this. */
const FARTHEST_MS = 18 * 3_600_000;

/**
 * Wall times in a zone. A wildcard rule has every instant whose wall time matches. A fixed one has only the first of two equal wall
 * times, and for those that a gap swallowed, one slot at the first instant after the gap.
 */
export class ZonedSlots implements SlotRule {
  constructor(
    private readonly walls: WallRule,
    private readonly zone: Offsets,
  ) {}

  next(from: Instant, until: Instant): Instant | null {
    for (let at = from; at < until;) {
      const segment = this.zone.at(at);
      const slot = this.firstIn(segment, at);
      if (slot !== null) return slot < until ? slot : null;
      // Nothing here: go where the next matching wall time can be, so that yearly rules read few segments.
      const wall = this.walls.next(segment.end - FARTHEST_MS);
      if (wall === null) return null;
      at = Math.max(segment.end, wall - FARTHEST_MS);
    }
    return null;
  }

  previous(from: Instant, until: Instant): Instant | null {
    for (let before = until; before > from;) {
      const segment = this.zone.at(before - 1);
      const slot = this.lastIn(segment, before);
      if (slot !== null) return slot >= from ? slot : null;
      const wall = this.walls.previous(segment.start + FARTHEST_MS);
      if (wall === null) return null;
      before = Math.min(segment.start, wall + FARTHEST_MS);
    }
    return null;
  }

  count(from: Instant, until: Instant): number {
    let slots = 0;
    for (let at = from; at < until;) {
      const segment = this.zone.at(at);
      const end = Math.min(segment.end, until);
      slots += this.walls.count(this.openFrom(segment, at), end + segment.offset);
      if (at <= segment.start && this.gapSlot(segment) && !this.matches(segment.start + segment.offset)) slots++;
      at = segment.end;
    }
    return slots;
  }

  private firstIn(segment: Segment, from: Instant): Instant | null {
    if (from <= segment.start && this.gapSlot(segment)) return segment.start;
    const wall = this.walls.next(this.openFrom(segment, from));
    return wall !== null && wall < segment.end + segment.offset ? wall - segment.offset : null;
  }

  private lastIn(segment: Segment, before: Instant): Instant | null {
    const wall = this.walls.previous(Math.min(before, segment.end) + segment.offset);
    if (wall !== null && wall >= this.openFrom(segment, segment.start)) return wall - segment.offset;
    return this.gapSlot(segment) ? segment.start : null;
  }

  /** The wall time from which matches count in this segment. */
  private openFrom(segment: Segment, from: Instant): number {
    const wall = Math.max(from, segment.start) + segment.offset;
    return this.walls.fixed ? Math.max(wall, segment.reached) : wall;
  }

  /** Whether the gap before this segment swallowed a wall time of a fixed rule. */
  private gapSlot(segment: Segment): boolean {
    const open = segment.start + segment.offset;
    if (!this.walls.fixed || open <= segment.reached) return false;
    const wall = this.walls.next(segment.reached);
    return wall !== null && wall < open;
  }

  private matches(wall: number): boolean {
    return this.walls.next(wall) === wall;
  }
}
