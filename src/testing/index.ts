/** `holdfast/testing`: for tests of one's own, and for authors of adapters. No test framework is needed. */
export * from './application';
export { brokenAdapters, eventStoreContract } from './event-store-contract';
export type { BrokenAdapter, ContractCase, EventStoreFactory } from './event-store-contract';
export * from './faulty-store';
export * from './specification';
export { SeededRandom, VirtualClock } from '../clock';
