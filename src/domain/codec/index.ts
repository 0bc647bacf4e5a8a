/** Events to text and back. */
export { Codec, decode, encode, readableEvents, type Encoded, type Upcaster, type Upcasters } from './codec';
export type { DomainEvent } from './domain-event';
export { originOf, withOrigin, type Origin } from './origin';
export type { UnreadableEvent } from '../unreadable';
