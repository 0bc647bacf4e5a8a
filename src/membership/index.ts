/** Who lives: beats, own trust, the silence of others, verdicts, cluster time. */
export type * from './membership';
export { checkLiveness } from './check-liveness';
export { LogClusterTime } from './cluster-time';
export { Observation, type ObservationOptions, type Suspect } from './observation';
export { livenessProfiles, type LivenessOptions, type LivenessProfile } from './options';
export { ownProcessIdentity, provablyGone, type Processes } from './process-identity';
export type { MembershipOptions, MembershipPorts } from './ports';
export { ServiceMembership } from './service-membership';
export { OwnTrust } from './trust';
