/** Specifications of a job: given, when, then. No test framework is needed. */
export { allRunners } from './all-runners';
export { busRunner } from './bus-runner';
export { deciderRunner } from './decider-runner';
export { SpecificationFailed, type SpecificationRunner } from './runner';
export {
  specification,
  unreadableEvent,
  type Expected,
  type Given,
  type GivenPart,
  type Specification,
  type ThenPart,
} from './specification';
export { specify, type DeclaresTests } from './specify';
