import { SeededRandom, type Clock } from '../../clock';
import type { EventStore } from '../../event-store';
import type { Logger } from '../../logging';
import { HoldfastService, resolveOptions, type RuntimePorts } from '../../runtime';
import type { HandlerDefinition } from '../../worker';
import { KeptView } from './kept-view';
import type { Scheduler } from './scheduler';
import type { PlaceScript, Script } from './script';
import { SimulatedConnection, type AppendSeen, type Note } from './simulated-connection';
import type { SimulatedLog } from './simulated-log';
import { SimulatedProcess } from './simulated-process';
import type { Troubles } from './troubles';
import type { Witness } from './witness';

/** What a handler has of its simulated world. */
export interface HandlerWorld {
  /** The only source of time: a handler that waits for anything else makes another history each time. */
  readonly clock: Clock;
  readonly serviceId: string;
  /** Draws that depend on nothing but the seed of the world and these words. */
  readonly drawn: (...words: readonly (string | number)[]) => SeededRandom;
  /** Takes the process down, as by SIGKILL; its supervisor starts it again. Nothing once the world has healed. */
  readonly takeDown: () => void;
  /** Holds the event loop of the process for so long; await a timer after it. Nothing once the world has healed. */
  readonly stall: (ms: number) => void;
}

/** The handlers of one process: made anew with each start, so what they keep in memory is gone with the process. */
export type HandlersOf = (world: HandlerWorld) => readonly HandlerDefinition[];

/** Takes the place of ports of a service when it is composed: how a control breaks one rule. */
export type Substitution = (ports: RuntimePorts & { readonly store: EventStore }) => RuntimePorts;

export interface WorldPorts {
  readonly script: Script;
  readonly scheduler: Scheduler;
  readonly log: SimulatedLog;
  readonly troubles: Troubles;
  readonly witness: Witness;
  readonly handlersOf: HandlersOf;
  readonly drawn: HandlerWorld['drawn'];
  readonly logger: (process: SimulatedProcess) => Logger;
  readonly note: (what: string) => void;
  readonly substitute: Substitution;
  readonly living: (pid: number) => boolean;
  readonly nextPid: () => number;
  /** The process begins this append. */
  readonly sent: (running: Running, append: AppendSeen) => void;
  readonly selfFenceAfterMs: number;
  /** A folder for what outlives processes. */
  readonly folder: () => string;
  /** The view of a process was opened. */
  readonly opened: (service: HoldfastService, process: SimulatedProcess) => void;
  readonly startsAt: number;
  /** Something in the machinery failed that no service may let out. */
  readonly broken: (error: unknown, where: string) => void;
}

/** One running service: its process, its way to the log. */
export interface Running {
  readonly process: SimulatedProcess;
  readonly connection: SimulatedConnection;
  service: HoldfastService | null;
  readonly startedAt: number;
  stopping: boolean;
}

interface Trap {
  readonly on: AppendSeen['moment'];
  readonly types: readonly string[] | null;
  readonly spring: () => void;
}

/** One way between a service and the log, ms. */
export const LATENCY_MS: readonly [number, number] = [1, 8];
/** After the process is gone without having been asked to, its supervisor starts it again this much later, ms. */
const SUPERVISED_MS: readonly [number, number] = [300, 3_000];

/** A place of the world: where one service runs, dies, and is started again. */
export class Place {
  readonly name: string;
  current: Running | null = null;
  private generation = 0;
  private readonly keptView: KeptView | null;
  private handlers: readonly string[] | null;
  private traps: Trap[] = [];
  private healed = false;
  /** Nobody starts it again. */
  private given: 'run' | 'down' | 'gone' = 'run';

  constructor(
    readonly script: PlaceScript,
    private readonly world: WorldPorts,
  ) {
    this.name = script.place ?? script.id;
    this.handlers = script.handlers ?? null;
    this.keptView = script.keepsView === true ? new KeptView(world.folder, script.id) : null;
  }

  get webOnly(): boolean {
    return this.script.webOnly === true;
  }

  get serviceId(): string {
    return this.script.id;
  }

  start(handlers?: readonly string[]): void {
    if (this.current !== null) return;
    this.given = 'run';
    if (handlers !== undefined) this.handlers = handlers;
    const { scheduler, troubles, log, script } = this.world;
    const number = ++this.generation;
    const random = this.world.drawn('process', this.name, number);
    const process = new SimulatedProcess(
      `${this.name}#${number}`,
      this.name,
      this.world.nextPid(),
      { bootId: this.script.provable === true ? `boot-${this.hostName}` : null, pidNamespace: 'pid' },
      scheduler,
      { rate: this.script.rate ?? 1, wallAtStart: this.world.startsAt + (this.script.wallOffMs ?? 0) },
      random.next() * 2 ** 32,
      this.world.living,
    );
    const connection = new SimulatedConnection(
      this.name,
      process,
      log,
      scheduler,
      troubles,
      {
        latency: script.latency ?? LATENCY_MS,
        timeoutMs: script.requestTimeoutMs ?? 3_000,
        trustMs: this.world.selfFenceAfterMs,
      },
      new SeededRandom(random.next() * 2 ** 32),
      (append) => this.seen(process, append),
      this.world.note as Note,
    );
    const running: Running = { process, connection, service: null, startedAt: scheduler.now, stopping: false };
    this.current = running;
    void this.open(running).catch((error: unknown) => this.world.broken(error, process.name));
  }

  /** As by SIGKILL. @returns whether there was something to kill. */
  crash(restartMs: number | null | 'never', handlers?: readonly string[]): boolean {
    const { current } = this;
    if (current === null) return false;
    this.current = null;
    this.traps = [];
    current.process.kill();
    this.keptView?.left();
    current.connection.cutOff();
    const lost = this.world.witness.died(current.process);
    this.world.note('crash');
    if (lost.length > 0) this.world.note('owner-died-in-mid-run');
    if (typeof restartMs === 'number') this.restart(restartMs, handlers);
    else this.given = restartMs === null ? 'down' : 'gone';
    return true;
  }

  /** In order; then it is started again, unless it never ends by itself. */
  stop(restartMs: number | null | 'never', handlers?: readonly string[]): void {
    const { current } = this;
    if (current === null || current.service === null || current.stopping) return;
    current.stopping = true;
    this.world.note('stop');
    void current.service.close().then(
      (leftovers) => {
        if (leftovers.length > 0) this.world.note('drained-with-leftovers');
        // The supervisor of a stand-alone service ends the process when it has closed.
        if (this.current === current) this.crash(restartMs, handlers);
      },
      (error: unknown) => this.world.broken(error, `${current.process.name}: close`),
    );
  }

  /** Springs with the next such append of the process that runs now. */
  trap(trap: Trap): void {
    if (this.current !== null) this.traps.push(trap);
  }

  /** The world heals: whatever is down is started. */
  heal(): void {
    this.healed = true;
    this.traps = [];
    this.current?.process.resume();
    this.current?.connection.heal();
    if (this.current === null && this.given === 'down') this.start();
  }

  takeDown(process: SimulatedProcess): void {
    if (this.current?.process !== process) return;
    const [from, to] = SUPERVISED_MS;
    this.crash(from + (to - from) * this.world.drawn('restart', process.name).next());
  }

  private get hostName(): string {
    return this.script.host ?? this.name;
  }

  private restart(afterMs: number, handlers?: readonly string[]): void {
    this.given = 'run';
    this.world.scheduler.after(afterMs, () => {
      if (this.given === 'run') this.start(handlers);
    });
  }

  private async open(running: Running): Promise<void> {
    const { process, connection } = running;
    const { script, world } = this;
    const options = (store: EventStore | undefined) =>
      resolveOptions({
        ...world.script.options,
        service: { id: script.id, name: script.name ?? script.id, host: this.hostName, labels: script.labels },
        capacity: { ...world.script.options?.capacity, maxConcurrentRuns: script.maxConcurrentRuns ?? 50 },
        // Of a log that the options name the view is in a file; of one that is put in its place, in memory.
        ...(this.keptView === null || store === undefined
          ? { store: { kind: 'memory' } }
          : { store: { kind: 'adapter', store }, stateDirectory: this.keptView.laid(process.name) }),
        role: this.webOnly ? 'web-only' : 'worker',
        publishFacts: false,
      });
    const { store, ...ports } = world.substitute({
      clock: process.clock,
      random: process.random,
      store: connection,
      logger: world.logger(process),
      zoneData: 'simulated',
      processes: process.processes(),
      aroundHandler: (handler) => world.witness.around(handler, process),
    });
    try {
      const service = await HoldfastService.open(options(store), this.keptView === null ? { ...ports, store } : ports);
      world.opened(service, process);
      const all = world.handlersOf({
        clock: process.clock,
        serviceId: script.id,
        drawn: world.drawn,
        takeDown: () => {
          if (!this.healed) this.takeDown(process);
        },
        stall: (ms) => {
          if (!this.healed) process.stall(ms);
        },
      });
      for (const handler of all)
        if (this.handlers === null || this.handlers.includes(handler.name)) service.handlers.register(handler);
      running.service = service;
      await service.start();
    } catch (error) {
      if ((error as Error).name !== 'StoreUnavailableError') throw error;
      // The log was there, and has gone before it was compared with: the process ends with an error, and its supervisor starts it again.
      world.note('start-broken-off');
      this.takeDown(process);
    }
  }

  private seen(process: SimulatedProcess, append: AppendSeen): void {
    if (this.current?.process !== process) return;
    if (append.moment === 'sent') this.world.sent(this.current, append);
    const trap = this.traps.find(
      ({ on, types }) =>
        on === append.moment &&
        append.events.some(({ type }) => (types === null ? type !== 'ServiceHeartbeat' : types.includes(type))),
    );
    if (trap === undefined) return;
    this.traps = this.traps.filter((one) => one !== trap);
    trap.spring();
  }
}
