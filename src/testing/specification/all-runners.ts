import { busRunner } from './bus-runner';
import { deciderRunner } from './decider-runner';
import type { SpecificationRunner } from './runner';

/** Every way of running a specification. */
export const allRunners: readonly SpecificationRunner[] = [deciderRunner, busRunner];
