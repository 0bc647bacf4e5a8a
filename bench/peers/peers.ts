/** What a peer is asked: twice the same job queue, once with as much as it gives, once with a process that dies. */
export interface Peer {
  readonly name: PeerName;
  /** npm packages with the exact versions; the newest that run on Node 20. */
  readonly packages: Readonly<Record<string, string>>;
  readonly server: 'redis' | 'postgres';
  /** Jobs of the case `process`: so many that it takes some seconds. */
  readonly jobs: number;
  /** Every setting that was changed, in the words of its documentation. */
  readonly process: Settings;
  readonly tuned: Takeover;
  readonly default: Takeover;
}

export type PeerName = 'BullMQ' | 'pg-boss' | 'graphile-worker' | 'Agenda';
export type Settings = Readonly<Record<string, number | string>>;
/** Measured with these settings; or, where that takes longer than a bench may, what its documentation says. */
export type Takeover =
  | { readonly settings: Settings; readonly kills: number; readonly patienceMs: number }
  | { readonly documented: string };

export const CONCURRENCY = 50;

export const peers: readonly Peer[] = [
  {
    name: 'BullMQ',
    packages: { bullmq: '6.7.0', ioredis: '5.11.1' },
    server: 'redis',
    jobs: 30_000,
    // removeOnComplete: jobs are dropped, not kept: the least work for Redis.
    process: { concurrency: CONCURRENCY, removeOnComplete: 'count 0' },
    // lockDuration 30,000 and stalledInterval 30,000 (docs: Workers, Stalled jobs): a dead worker's lock runs out, then a check finds it.
    default: { settings: {}, kills: 1, patienceMs: 120_000 },
    // lockRenewTime is half of lockDuration, and is not to be changed. maxStalledCount: how often a job may be taken over at all.
    tuned: {
      settings: { lockDuration: 1_000, stalledInterval: 1_000, maxStalledCount: 1 },
      kills: 8,
      patienceMs: 60_000,
    },
  },
  {
    name: 'pg-boss',
    // 11 and later need Node 22.
    packages: { 'pg-boss': '10.4.2' },
    server: 'postgres',
    jobs: 20_000,
    // One fetch of 1,000 jobs (batchSize), run 50 at a time, completed in one statement; then notifyWorker, which skips the wait for the next poll.
    process: { batchSize: 1_000, pollingIntervalSeconds: 0.5, notifyWorker: 'after each batch', atATime: CONCURRENCY },
    default: { documented: '15 min (expireInMinutes), and up to 2 min more (maintenanceIntervalMinutes)' },
    // Expiration counts from the start of a job and also ends runs that live: with 1 s, the least that it takes, no run may be longer.
    tuned: {
      settings: { expireInSeconds: 1, maintenanceIntervalSeconds: 1, pollingIntervalSeconds: 0.5, retryLimit: 2 },
      kills: 8,
      patienceMs: 60_000,
    },
  },
  {
    name: 'graphile-worker',
    // 0.18 needs Node 22.
    packages: { 'graphile-worker': '0.17.3' },
    server: 'postgres',
    jobs: 30_000,
    // localQueue.size: jobs are fetched in batches; completeJobBatchDelay 0: and completed in batches (docs: Performance, Batching).
    process: { concurrentJobs: CONCURRENCY, 'localQueue.size': 500, completeJobBatchDelay: 0, maxPoolSize: 20 },
    default: { documented: '4 h (a job locked for longer is freed; fixed)' },
    tuned: { documented: '4 h: not to be set; an operator who knows the dead worker’s id may call forceUnlockWorkers' },
  },
  {
    name: 'Agenda',
    packages: { agenda: '6.2.6', '@agendajs/postgres-backend': '3.0.6', pg: '8.23.1' },
    server: 'postgres',
    jobs: 2_000,
    process: { maxConcurrency: CONCURRENCY, defaultConcurrency: CONCURRENCY, processEvery: 100, 'pool max': 20 },
    default: { documented: '10 min (defaultLockLifetime), and up to 5 s more (processEvery)' },
    // The handler calls job.touch() every 300 ms, which renews the lock: so a run may be longer than the lock.
    tuned: {
      settings: { defaultLockLifetime: 1_000, processEvery: 200, touchEvery: 300 },
      kills: 8,
      patienceMs: 60_000,
    },
  },
];
