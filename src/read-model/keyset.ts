import type { Instant } from '../clock';

/** A place in an index: what rows are ordered by, and how to reach the row. */
export interface Key {
  /** Row number. */
  readonly n: number;
  readonly id: string;
  /** Next run time, where the index is ordered by it; null sorts last. */
  readonly due: Instant | null;
}

/** Keys of one range of an index, in order: at most `limit` of those after `after`. */
export type Source = (after: Key | null, limit: number) => readonly Key[];

const SURROGATE = /[\ud800-\udfff]/;

/** The order of SQLite's text (UTF-8 bytes), which differs from JavaScript's only where there are surrogates. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  if (SURROGATE.test(a) || SURROGATE.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

/** Soonest first, nothing pending last, then by id. */
export function compareKeys(a: Key, b: Key): number {
  if (a.due !== b.due) return (a.due ?? Infinity) - (b.due ?? Infinity);
  return compareText(a.id, b.id);
}

/** Keys of all sources in one order. Reads each source in portions, so the cost is that of what is taken. */
export function* merge(sources: readonly Source[], after: Key | null, portion: number): Generator<Key> {
  const heads = sources.map((source) => new Head(source, after, portion));
  for (;;) {
    let first: Head | null = null;
    let firstKey: Key | null = null;
    for (const head of heads) {
      const key = head.key();
      if (key !== null && (firstKey === null || compareKeys(key, firstKey) < 0)) [first, firstKey] = [head, key];
    }
    if (first === null || firstKey === null) return;
    first.advance();
    yield firstKey;
  }
}

/** The first `limit` keys of all sources. */
export function firstOf(sources: readonly Source[], limit: number, after: Key | null = null): readonly Key[] {
  const found: Key[] = [];
  if (limit <= 0) return found;
  const portion = sources.length === 1 ? limit : Math.max(16, Math.ceil(limit / sources.length));
  for (const key of merge(sources, after, portion)) {
    found.push(key);
    if (found.length === limit) break;
  }
  return found;
}

class Head {
  private buffer: readonly Key[] = [];
  private at = 0;
  private over = false;

  constructor(
    private readonly source: Source,
    private last: Key | null,
    private readonly portion: number,
  ) {}

  key(): Key | null {
    if (this.at === this.buffer.length && !this.over) {
      this.buffer = this.source(this.last, this.portion);
      this.at = 0;
      this.over = this.buffer.length < this.portion;
    }
    return this.buffer[this.at] ?? null;
  }

  advance(): void {
    this.last = this.buffer[this.at];
    this.at += 1;
  }
}
