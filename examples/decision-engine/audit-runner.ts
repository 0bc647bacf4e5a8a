import { Inject, Injectable } from '@nestjs/common';
import { JobHandler, type JobContext } from 'holdfast';
import { Audit, type AuditPayload } from './audit';
import { windowAt } from './audit-state';
import type { Cluster } from './cluster/cluster';
import { machineAsHost, observeMachine } from './cluster/machine';
import { readCluster } from './cluster/read-cluster';
import { Ledger, type Entry } from './ledger';
import { recommend } from './strategies';

/** Where the cluster comes from: observed for `observeMs`. Rejects with the reason of an abort. */
export type ClusterSource = (observeMs: number, signal: AbortSignal) => Promise<Cluster>;
export const CLUSTER_SOURCE = Symbol('cluster-source');

/** The wall clock, ms since the epoch. */
export type WallClock = () => number;
export const WALL_CLOCK = Symbol('wall-clock');

/** The cluster of the data files, with this machine in it as it is now. */
export async function observedCluster(observeMs: number, signal: AbortSignal): Promise<Cluster> {
  const { hosts, instances } = readCluster();
  const figures = await observeMachine(observeMs, signal);
  return { hosts: [...hosts, machineAsHost(figures)], instances };
}

/** Runs audits: looks at the cluster, asks the strategy, writes the plan down. */
@Injectable()
export class AuditRunner {
  constructor(
    @Inject(Ledger) private readonly ledger: Ledger,
    @Inject(CLUSTER_SOURCE) private readonly cluster: ClusterSource,
    @Inject(WALL_CLOCK) private readonly now: WallClock,
  ) {}

  @JobHandler(Audit)
  async run(payload: AuditPayload, context: JobContext): Promise<void> {
    const entry: Entry = {
      job: context.jobId,
      slot: context.slot,
      attempt: context.attempt,
      token: context.fencingToken,
      engine: context.serviceId,
      incarnation: context.incarnation,
    };
    const row = this.ledger.enter(entry);
    // A slot of the window that nobody could run before its end: late, and of no use any more.
    if (windowAt(payload, this.now()) === 'after') return this.ledger.finish(row, entry, null);
    const cluster = await this.cluster(payload.observeMs, context.signal);
    const plan = recommend(cluster, payload, payload.scope, { audit: context.jobId, slot: context.slot });
    await context.guard();
    this.ledger.finish(row, entry, plan);
  }
}
