export type * from './events';
export type * from './state';
export type * from './commands';
export type * from './refusals';
export {
  absentService,
  candidateOf,
  currentIncarnation,
  evolveService,
  evolveUnreadableService,
  isTerminal,
  liveIncarnation,
} from './evolve';
export { decideService } from './decide';
