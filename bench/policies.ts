/** The policies of a job that was scheduled without any, for events that a case writes itself. */
export const policies = {
  retry: { maxRetries: 0, initialMs: 1_000, factor: 2, maxMs: 300_000 },
  overlap: 'skip',
  misfire: 'once',
  onOwnerLoss: 'rerun',
  onStuck: 'release',
  timeoutMs: null,
  priority: 0,
} as const;
