import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Global,
  Module,
  type DynamicModule,
  type INestApplicationContext,
  type Provider,
  type Type,
} from '@nestjs/common';
import { Cron as NestCron, Interval as NestInterval, ScheduleModule, Timeout as NestTimeout } from '@nestjs/schedule';
import { Test } from '@nestjs/testing';
import {
  Cron,
  HOLDFAST_PORTS,
  HoldfastService,
  Interval,
  JobOwnershipModule,
  MemoryEventStore,
  Timeout,
  type EventStore,
  type HoldfastOptions,
  type RuntimePorts,
} from '../../src';
import { SeededRandom, VirtualClock } from '../../src/clock';
import type { LogFields, Logger } from '../../src/logging';

/** A Sunday; a tenth of a second past the minute, so that a service has time to register before its first tick. */
export const START = Date.UTC(2026, 2, 1, 11, 58, 0, 100);

/** The decorators of one of the two. */
export interface Decorators {
  readonly Cron: typeof NestCron;
  readonly Interval: typeof NestInterval;
  readonly Timeout: typeof NestTimeout;
}
export const theirs: Decorators = { Cron: NestCron, Interval: NestInterval, Timeout: NestTimeout };
export const ours: Decorators = { Cron, Interval, Timeout };

/** What happened when: the name that the method gave itself, ms since START. */
export type Tick = readonly [what: string, ms: number];

/** Providers and controllers whose decorated methods call `tick`. */
export interface Content {
  readonly providers?: Provider[];
  readonly controllers?: Type[];
}
export type Define = (decorators: Decorators, tick: (what: string) => void) => Content;

const silence = { log: () => 0, error: () => 0, warn: () => 0, debug: () => 0, verbose: () => 0, fatal: () => 0 };

/** Runs it with the real @nestjs/schedule on the fake timers of jest. */
export async function ticksOfNest(define: Define, ms: number): Promise<Tick[]> {
  jest.useFakeTimers({ now: START, doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance'] });
  try {
    const ticks: Tick[] = [];
    const content = define(theirs, (what) => void ticks.push([what, Date.now() - START]));
    const app = await Test.createTestingModule({ imports: [ScheduleModule.forRoot()], ...content })
      .setLogger(silence)
      .compile();
    await app.init();
    await jest.advanceTimersByTimeAsync(ms);
    await app.close();
    return ticks.sort(inOrder);
  } finally {
    jest.useRealTimers();
  }
}

/** The same with Holdfast on `replicas` services over one log, on a virtual clock. The ticks are those of all replicas. */
export async function ticksOfHoldfast(define: Define, ms: number, replicas = 1): Promise<Tick[]> {
  const cluster = new Cluster();
  try {
    const ticks: Tick[] = [];
    const tick = (what: string) => void ticks.push([what, cluster.clock.wall() - START]);
    await Promise.all(Array.from({ length: replicas }, (_, i) => cluster.start(`r${i + 1}`, define(ours, tick))));
    await cluster.clock.advance(ms - (cluster.clock.wall() - START));
    return ticks.sort(inOrder);
  } finally {
    await cluster.close();
  }
}

function inOrder([a, at]: Tick, [b, bt]: Tick): number {
  return at - bt || (a < b ? -1 : 1);
}

/** A line of a log. */
export interface Line {
  readonly host: string;
  readonly fact: string;
  readonly fields: LogFields;
}

/** Applications on one log and one clock. */
export class Cluster {
  readonly clock = new VirtualClock(START);
  readonly store: EventStore = new MemoryEventStore({ clock: this.clock, random: new SeededRandom(1) });
  readonly lines: Line[] = [];
  private readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-declarations-'));
  private readonly apps = new Map<string, INestApplicationContext>();
  private seed = 1;

  /** Compiles and starts an application; its service is `app@<host>`. */
  async start(host: string, content: Content, changes: Partial<HoldfastOptions> = {}, store = this.store) {
    const ports: RuntimePorts = {
      clock: this.clock,
      random: new SeededRandom(++this.seed),
      logger: logger((fact, fields) => void this.lines.push({ host, fact, fields })),
    };
    const options: HoldfastOptions = {
      service: { name: 'app', host },
      store: { kind: 'adapter', store },
      stateDirectory: this.folder,
      liveness: 'tuned',
      drainTimeoutMs: 1_000,
      ...changes,
    };
    const app = await Test.createTestingModule({
      imports: [portsModule(ports), JobOwnershipModule.forRoot(options)],
      ...content,
    })
      .setLogger(silence)
      .compile();
    await this.during(app.init());
    this.apps.set(host, app);
    return app.get(HoldfastService, { strict: false });
  }

  async stop(host: string): Promise<void> {
    await this.during(this.apps.get(host)?.close() ?? Promise.resolve());
    this.apps.delete(host);
  }

  /** Lets time go on until it is done: two minutes at most. */
  async during<T>(work: Promise<T>): Promise<T> {
    let open = true;
    const done = work.finally(() => (open = false));
    done.catch(() => undefined);
    await this.clock.settle();
    for (let ms = 0; open; ms += 10) {
      if (ms > 120_000) throw new Error('It is not done after two minutes.');
      await this.clock.advance(10);
    }
    return done;
  }

  told(fact: string, host?: string): Line[] {
    return this.lines.filter((line) => line.fact === fact && (host === undefined || line.host === host));
  }

  async close(): Promise<void> {
    for (const host of [...this.apps.keys()]) await this.stop(host);
    await this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function portsModule(ports: RuntimePorts): DynamicModule {
  @Global()
  @Module({})
  class PortsModule {}
  return { module: PortsModule, providers: [{ provide: HOLDFAST_PORTS, useValue: ports }], exports: [HOLDFAST_PORTS] };
}

function logger(write: (fact: string, fields: LogFields) => void): Logger {
  const line = (fact: string, fields: LogFields = {}) => write(fact, fields);
  return { debug: line, info: line, warn: line, error: line, child: () => logger(write) };
}
