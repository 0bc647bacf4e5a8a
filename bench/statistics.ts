/** The middle value; of an even number of values the mean of the two in the middle. @throws RangeError when there is none. */
export function median(values: readonly number[]): number {
  const sorted = inOrder(values);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * The smallest value that at least the share `p` of all values does not exceed (nearest rank: always a value that was measured).
 * @param p 0 (the smallest) to 1 (the largest)
 * @throws RangeError when there is no value, or `p` is out of range.
 */
export function percentile(values: readonly number[], p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`p = ${p}: a share from 0 to 1. Write 0.99 for the 99th percentile.`);
  const sorted = inOrder(values);
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)];
}

function inOrder(values: readonly number[]): readonly number[] {
  if (values.length === 0) throw new RangeError('values: none. At least one is needed.');
  if (values.some((value) => !Number.isFinite(value))) throw new RangeError('values: each must be a finite number.');
  return [...values].sort((a, b) => a - b);
}
