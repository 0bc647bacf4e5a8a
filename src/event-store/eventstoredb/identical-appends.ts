import type { AppendOutcome } from '../port';
import type { Prepared } from './appender';

/**
 * Identical appends that are under way at once become one. The server writes them once too, but it lets those that come while the first is being
 * written wait for its own time-out (2 s), and does not say then what became of them.
 */
export class IdenticalAppends {
  private readonly underWay = new Map<string, { readonly append: Prepared; readonly answer: Promise<AppendOutcome> }>();

  /** @param send never rejects. */
  run(append: Prepared, send: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
    const { expected, ids } = append;
    // At `any` each is an append of its own.
    if (expected === 'any') return send();
    const twin = this.underWay.get(ids[0]);
    if (twin !== undefined) return same(twin.append, append) ? twin.answer : send();
    const answer = send().finally(() => this.underWay.delete(ids[0]));
    this.underWay.set(ids[0], { append, answer });
    return answer;
  }
}

function same(one: Prepared, other: Prepared): boolean {
  return (
    one.stream === other.stream &&
    one.expected === other.expected &&
    one.ids.length === other.ids.length &&
    one.ids.every((id, index) => id === other.ids[index])
  );
}
