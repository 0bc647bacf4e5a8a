/** Events to text and back. */
export { Codec, decode, encode, readableEvents, type Encoded, type Upcaster, type Upcasters } from './codec';
export type { DomainEvent } from './domain-event';
export type { UnreadableEvent } from '../unreadable';
