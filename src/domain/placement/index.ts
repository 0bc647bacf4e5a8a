export { ineligibility, labelsMatch } from './eligibility';
export type { Ineligibility, Placeable } from './eligibility';
export { assign, Placement, placementVersion, rank } from './rank';
export type { AssignableJob, Assignment, PlaceableJob, RankedCandidate } from './rank';
export { Balance } from './balance';
export { homeFor } from './home';
export { bindingReason, whyNobody } from './reason';
