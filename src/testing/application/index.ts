/** Tests of applications that embed Holdfast. */
export { HoldfastTesting, type HoldfastTestingOptions, type PeerOptions } from './holdfast-testing';
export { HoldfastTestingModule, type TestedServiceOptions } from './holdfast-testing.module';
export type { ObservedRun } from './observed-runs';
export type { VirtualDuration } from './virtual-duration';
