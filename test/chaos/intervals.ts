/** From, to; ms. */
export type Interval = readonly [from: number, to: number];

/** How much of `within` is covered by at least one of the intervals. */
export function covered(intervals: readonly Interval[], [from, to]: Interval): number {
  let [sum, reached] = [0, from];
  for (const [a, b] of [...intervals].sort(([x], [y]) => x - y)) {
    const begin = Math.max(a, reached);
    const end = Math.min(b, to);
    if (end <= begin) continue;
    sum += end - begin;
    reached = end;
  }
  return sum;
}

export function overlaps([a, b]: Interval, [c, d]: Interval): boolean {
  return a < d && c < b;
}
