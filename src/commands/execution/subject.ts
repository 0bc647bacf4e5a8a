import type { AppendOptions, RecordedEvent } from '../../event-store';
import type { Encoded } from '../../domain/codec';
import type { Refusal } from '../../domain/refusal';

export type Decision<Event> =
  | { readonly ok: true; readonly events: readonly Event[]; readonly knownRevision?: number }
  | { readonly ok: false; readonly refusal: Refusal };

/** What the executor needs to know of a kind of stream; the domain behind it does the deciding. */
export interface Subject<State extends { readonly revision: number }, Event extends { readonly type: string }> {
  /** How its appends take turns in the store: what says who lives must not queue behind work. */
  readonly lane: NonNullable<AppendOptions['lane']>;
  absent(id: string): State;
  /** The state after one recorded event, readable or not. */
  fold(state: State, recorded: RecordedEvent): State;
  evolve(state: State, event: Event, revision: number): State;
  /** Folding may begin here: the event holds the whole state and can be read. */
  isBooks(recorded: RecordedEvent): boolean;
  /** The event that closes the books over `state`, when it is time; null: not yet. */
  closeBooks(state: State, every: number): Event | null;
  encode(event: Event): Encoded;
}
