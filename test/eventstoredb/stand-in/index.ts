export type { SeenCall } from './context';
export type { AppendFault, FaultScope, Faults, Member, OrderedFault, ReadFault } from './faults';
export { Log } from './log';
export type { Expected, Proposal, StoredRecord, WriteAnswer } from './record';
export { StandIn, type StandInOptions } from './stand-in';
