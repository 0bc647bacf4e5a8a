import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HoldfastService, jobType, resolveOptions, type Clock } from 'holdfast';
import { Fleet, type Said } from '../../processes/fleet';
import type { Gaps } from './gaps';
import type { FaultOptions } from './options';

const Work = jobType<{ ms: number }>('work');
/** Compiled, `test/processes` lies there from here. */
const program = join(__dirname, '../../processes/service.js');
const LONG_MS = 20_000;

export interface WorkCounts {
  runs: number;
  finished: number;
  /** Handlers that were told to stop before they had finished. */
  aborted: number;
  fences: number;
  returns: number;
}

/** Services as processes of their own, with jobs that are due all the time and some whose runs are long. */
export class Workforce {
  readonly counts: WorkCounts = { runs: 0, finished: 0, aborted: 0, fences: 0, returns: 0 };
  private readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-faults-'));
  private readonly fleet: Fleet;

  constructor(
    private readonly options: FaultOptions,
    private readonly namespace: string,
    private readonly clock: Clock,
    /** Each entered run is an accepted claim. */
    private readonly claimed: Gaps,
  ) {
    const { connection, liveness } = options;
    const orders = { connection, namespace, stateDirectory: this.folder, liveness };
    this.fleet = new Fleet(program, orders, (_name, said) => this.hear(said));
  }

  async start(): Promise<void> {
    const { services, jobs, longJobs, connection } = this.options;
    if (services === 0) return;
    for (let n = 1; n <= services; n++) this.fleet.start(`service-${n}`);
    const client = await HoldfastService.open(
      resolveOptions({
        service: { name: 'client', host: 'test' },
        role: 'web-only',
        store: { kind: 'eventstoredb', connection },
        namespace: this.namespace,
        stateDirectory: this.folder,
      }),
    );
    try {
      for (let n = 0; n < jobs; n++) await this.schedule(client, `short-${n}`, 500, 0);
      for (let n = 0; n < longJobs; n++) await this.schedule(client, `long-${n}`, LONG_MS + 1_000, LONG_MS);
    } finally {
      await client.close();
    }
    while (!this.ready || this.counts.runs < jobs + longJobs) await this.clock.sleep(50);
  }

  get ready(): boolean {
    return this.fleet.ready && this.fleet.running.length === this.options.services;
  }

  async close(): Promise<void> {
    await this.fleet.close(30_000);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async schedule(client: HoldfastService, id: string, every: number, ms: number): Promise<void> {
    await client.jobs.schedule(Work, { ms }, { id, schedule: { kind: 'interval', every } });
  }

  private hear(said: Said): void {
    switch (said.kind) {
      case 'run':
        this.counts.runs++;
        return this.claimed.took();
      case 'done':
        this.counts.finished++;
        return;
      case 'aborted':
        this.counts.aborted++;
        return;
      case 'fence':
        if (said.reason !== 'stopped') this.counts.fences++;
        return;
      case 'trust':
        if (said.returned) this.counts.returns++;
    }
  }
}
