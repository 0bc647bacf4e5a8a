import type { DomainEvent } from '../../src/domain/codec';
import type { RecordedEvent } from '../../src/event-store';
import { healthyLog } from './healthy-log';
import { renumber } from './recorder';

type Type = DomainEvent['type'];

/** A log that was tampered with, and which of its events breaks which rule. */
export interface Tampered {
  readonly events: readonly RecordedEvent[];
  /** Stream and revision of the event that is to be reported first. */
  readonly broken: { readonly stream: string; readonly revision: number };
}

/** The events of the healthy log, to be changed. */
export class Draft {
  private events: RecordedEvent[] = [...healthyLog().events];
  private copies = 0;

  /** The n-th event of this type in the stream. */
  find(stream: string, type: Type, n = 0): RecordedEvent {
    const found = this.events.filter((event) => event.stream === stream && event.type === type)[n];
    if (found === undefined) throw new Error(`no ${type} ${n} in ${stream}`);
    return found;
  }
  change(event: RecordedEvent, data: object): RecordedEvent {
    const changed = { ...event, data: JSON.stringify({ ...(JSON.parse(event.data) as object), ...data }) };
    this.events = this.events.map((one) => (one === event ? changed : one));
    return changed;
  }
  remove(event: RecordedEvent): void {
    this.events = this.events.filter((one) => one !== event);
  }
  /** Puts a copy of `event`, with other data, behind `after`. */
  insert(
    after: RecordedEvent,
    event: RecordedEvent,
    data: object = {},
    type: Type = event.type as Type,
  ): RecordedEvent {
    this.copies += 1;
    const copy = {
      ...event,
      type,
      created: after.created,
      id: `00000000-0000-4000-8000-${String(this.copies).padStart(12, '0')}`,
      data: JSON.stringify({ ...(JSON.parse(event.data) as object), ...data }),
    };
    this.events = this.events.flatMap((one) => (one === after ? [one, copy] : [one]));
    return copy;
  }
  /** Numbers everything as a store would. */
  done(broken: RecordedEvent): Tampered {
    const events = renumber(this.events);
    const { stream, revision } = events[this.events.indexOf(broken)];
    return { events, broken: { stream, revision } };
  }
}
