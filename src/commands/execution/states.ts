/** A folded state and, where it is known, the position of its newest event. */
export interface Held<State> {
  readonly state: State;
  readonly position: bigint | null;
}

/** States of the streams that were decided on last: consecutive commands on one stream need no read. Least recently used go first. */
export class RecentStates {
  private readonly entries = new Map<string, Held<unknown>>();

  constructor(private readonly capacity: number) {}

  get<State>(stream: string): Held<State> | null {
    const held = this.entries.get(stream);
    if (held === undefined) return null;
    this.entries.delete(stream);
    this.entries.set(stream, held);
    // Streams of jobs and of services have different names, and each is put by its own subject.
    return held as Held<State>;
  }

  put<State>(stream: string, held: Held<State>): void {
    this.entries.delete(stream);
    if (this.capacity === 0) return;
    this.entries.set(stream, held);
    if (this.entries.size > this.capacity) this.entries.delete(this.entries.keys().next().value as string);
  }

  clear(): void {
    this.entries.clear();
  }
}
