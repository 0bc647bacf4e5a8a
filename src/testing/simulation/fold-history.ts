/** So many states of a stream are kept, for views that lag. */
const KEPT_STATES = 400;

/** What one stream adds up to after each of its newest events. */
export class FoldHistory<At extends { readonly position: bigint }> {
  private readonly kept: At[] = [];
  private forgotten = false;

  add(at: At): void {
    this.kept.push(at);
    if (this.kept.length <= KEPT_STATES) return;
    this.kept.shift();
    this.forgotten = true;
  }

  get newest(): At | null {
    return this.kept.at(-1) ?? null;
  }

  /** After the newest event up to that position; null: it has none so early; undefined: that is forgotten. */
  at(position: bigint): At | null | undefined {
    return this.kept.findLast((one) => one.position <= position) ?? (this.forgotten ? undefined : null);
  }
}
