import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { PeerName, Settings } from './peers';

/** Where a peer's packages are, and its server. */
export interface Place {
  readonly packages: string;
  readonly port: number;
}

/** @param renew tells the queue that the run goes on; null where that is done by itself. */
export type Handler = (job: string, renew: (() => Promise<unknown>) | null) => Promise<void>;

/** One process at the queue of a peer. */
export interface Driver {
  /** Resolves when they are stored. */
  add(jobs: readonly string[]): Promise<void>;
  /** Runs what is in the queue from now on. Resolves when it listens. */
  work(handler: Handler): Promise<void>;
}

type Open = (place: Place, settings: Settings) => Promise<Driver>;

// The packages lie outside of this one, so nothing is known of their types: only what is called is said here.
/* eslint-disable @typescript-eslint/no-explicit-any */

async function load(place: Place, name: string): Promise<any> {
  const require = createRequire(join(place.packages, 'package.json'));
  return import(pathToFileURL(require.resolve(name)).href);
}

const url = (place: Place) => `postgres://postgres@127.0.0.1:${place.port}/postgres`;
const QUEUE = 'bench';
const CHUNK = 1_000;

const bullmq: Open = async (place, settings) => {
  const { Queue, Worker } = await load(place, 'bullmq');
  const connection = { host: '127.0.0.1', port: place.port, maxRetriesPerRequest: null };
  const queue = new Queue(QUEUE, { connection });
  await queue.waitUntilReady();
  const { removeOnComplete, ...given } = settings;
  return {
    async add(jobs) {
      for (let at = 0; at < jobs.length; at += CHUNK)
        await queue.addBulk(jobs.slice(at, at + CHUNK).map((job) => ({ name: QUEUE, data: { job } })));
    },
    async work(handler) {
      const dropped = removeOnComplete === undefined ? {} : { removeOnComplete: { count: 0 } };
      const run = (job: any) => handler(job.data.job, null);
      const worker = new Worker(QUEUE, run, { connection, ...given, ...dropped });
      await worker.waitUntilReady();
    },
  };
};

const pgBoss: Open = async (place, settings) => {
  const { default: PgBoss } = await load(place, 'pg-boss');
  const {
    batchSize = 1,
    atATime = 1,
    pollingIntervalSeconds = 2,
    notifyWorker,
    expireInSeconds,
    retryLimit,
  } = settings;
  const { maintenanceIntervalSeconds } = settings;
  const boss = new PgBoss({
    connectionString: url(place),
    ...(maintenanceIntervalSeconds === undefined ? {} : { maintenanceIntervalSeconds }),
  });
  boss.on('error', (error: Error) => process.stderr.write(`pg-boss: ${error.message}\n`));
  await boss.start();
  await boss.createQueue(QUEUE).catch((error: Error) => {
    // Another process was faster.
    if (!/already exists|duplicate key/.test(error.message)) throw error;
  });
  const each = {
    ...(expireInSeconds === undefined ? {} : { expireInSeconds }),
    ...(retryLimit === undefined ? {} : { retryLimit }),
  };
  return {
    async add(jobs) {
      for (let at = 0; at < jobs.length; at += CHUNK)
        await boss.insert(jobs.slice(at, at + CHUNK).map((job) => ({ name: QUEUE, data: { job }, ...each })));
    },
    async work(handler) {
      const run = async (batch: any[]) => {
        let next = 0;
        const one = async () => {
          while (next < batch.length) await handler(batch[next++].data.job, null);
        };
        await Promise.all(Array.from({ length: Number(atATime) }, one));
        if (notifyWorker !== undefined) boss.notifyWorker(id);
      };
      const id: string = await boss.work(QUEUE, { batchSize, pollingIntervalSeconds }, run);
    },
  };
};

const graphile: Open = async (place, settings) => {
  const { run, makeWorkerUtils, Logger } = await load(place, 'graphile-worker');
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ connectionString: url(place), logger });
  await utils.migrate();
  return {
    async add(jobs) {
      const sql =
        "SELECT count(*) FROM unnest($1::text[]) AS job, LATERAL graphile_worker.add_job($2, json_build_object('job', job))";
      for (let at = 0; at < jobs.length; at += CHUNK)
        await utils.withPgClient((client: any) => client.query(sql, [jobs.slice(at, at + CHUNK), QUEUE]));
    },
    async work(handler) {
      const worker = {
        connectionString: url(place),
        concurrentJobs: settings.concurrentJobs,
        maxPoolSize: settings.maxPoolSize,
        completeJobBatchDelay: settings.completeJobBatchDelay,
        localQueue: { size: settings['localQueue.size'] },
        logger,
      };
      await run({
        preset: { worker },
        taskList: { [QUEUE]: (payload: any) => handler(payload.job, null) },
        crontab: '',
      });
    },
  };
};

const agenda: Open = async (place, settings) => {
  const { Agenda } = await load(place, 'agenda');
  const { PostgresBackend } = await load(place, '@agendajs/postgres-backend');
  const { 'pool max': max = 10, touchEvery: _, ...given } = settings;
  const backend = new PostgresBackend({ poolConfig: { connectionString: url(place), max } });
  const queue = new Agenda({ backend, ...given });
  queue.on('error', (error: Error) => process.stderr.write(`Agenda: ${error.message}\n`));
  await queue.ready;
  return {
    async add(jobs) {
      let next = 0;
      const one = async () => {
        while (next < jobs.length) await queue.now(QUEUE, { job: jobs[next++] });
      };
      await Promise.all(Array.from({ length: 20 }, one));
    },
    async work(handler) {
      queue.define(QUEUE, (job: any) => handler(job.attrs.data.job, () => job.touch()));
      await queue.start();
    },
  };
};

export const drivers: Readonly<Record<PeerName, Open>> = {
  BullMQ: bullmq,
  'pg-boss': pgBoss,
  'graphile-worker': graphile,
  Agenda: agenda,
};
