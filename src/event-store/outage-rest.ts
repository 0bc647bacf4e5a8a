/**
 * Longest rest before a subscription that the store broke off is made again, ms. No longer: when the store is back, a view that rests on is behind,
 * and a service whose view is behind for failAfter (a second with tuned liveness) beats no more: it would be marked failed for the outage.
 */
export const LONGEST_OUTAGE_REST_MS = 500;
