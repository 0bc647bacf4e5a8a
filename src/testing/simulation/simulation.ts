import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobType } from '../../commands';
import { silentLogger, type Logger } from '../../logging';
import { livenessProfiles } from '../../membership';
import type { ReadModel } from '../../read-model';
import { resolveOptions } from '../../runtime';
import { Actions } from './actions';
import { behavingHandlers } from './behaviours';
import { Counters } from './counters';
import { drawn, uuidOf } from './draws';
import { Judge } from './judge';
import type { SimulatedViolation } from './judged';
import { checkTakenOver, lastDeath } from './last-death';
import { Operators } from './operators';
import { Outsiders } from './outsiders';
import { LATENCY_MS, Place, type HandlersOf, type Substitution, type WorldPorts } from './place';
import { checkQuiet, quietTimeMs, type LivingService } from './quiescence';
import { Restores } from './restores';
import { Scheduler } from './scheduler';
import { startOf, type JobScript, type Script } from './script';
import { SimulatedLog } from './simulated-log';
import type { SimulatedProcess } from './simulated-process';
import { TroubleHistory } from './trouble-history';
import { Troubles } from './troubles';
import { Witness, type WitnessedRun } from './witness';

export interface SimulationOptions {
  /** Handlers of every service; default those of the simulation's own. They must take their time from `world.process.clock`. */
  readonly handlers?: HandlersOf;
  /** Takes the place of ports of every service: for controls. */
  readonly substitute?: Substitution;
  /** The command id of a caller's retry. Default: that of the first try. */
  readonly commandId?: (order: string, tries: number) => string;
  /** Ends with the first violation. Default true. */
  readonly stopAtFirst?: boolean;
  /** When the time of the script is over all faults end, and after a while everything must be in its place. Default true; false: it ends there. */
  readonly heals?: boolean;
  /** When everything is in its place one more owner dies, and its jobs must be taken over within the stated bound. Default true. */
  readonly lastDeath?: boolean;
  /** What services tell their log. Default: nothing. */
  readonly logger?: (process: string, trueTime: () => number) => Logger;
}

export interface SimulationResult {
  readonly violations: readonly SimulatedViolation[];
  /** How often each interesting thing happened. */
  readonly counts: ReadonlyMap<string, number>;
  readonly runs: readonly WitnessedRun[];
  /** SHA-256 of the whole log and of all entries of handlers, hex. */
  readonly hash: string;
  readonly steps: number;
  readonly events: number;
  /** ms of true time. */
  readonly livedMs: number;
}

/** A pause of so many selfFenceAfter outlasts own trust by every clock of the world. */
const LONG_PAUSE = 1.05;
/** Whoever was marked is told to come back at these moments after the world has healed, ms. */
const REJOIN_MS = [0, 4_000, 8_000];
/** Views of living services are compared with the fold so often, ms. */
const COMPARE_EVERY_MS = 30_000;

/** Lives through a script, with services composed as in production, and judges every event. */
export async function simulate(script: Script, options: SimulationOptions = {}): Promise<SimulationResult> {
  return new World(script, options).live();
}

class World {
  private readonly scheduler: Scheduler;
  private readonly log: SimulatedLog;
  private readonly troubles = new Troubles();
  private readonly history = new TroubleHistory();
  private readonly witness: Witness;
  private readonly judge: Judge;
  private readonly places: Place[];
  private readonly operators: Operators;
  private readonly restores: Restores;
  private readonly actions: Actions;
  private readonly counters = new Counters();
  private readonly hash = createHash('sha256');
  private pid = 1_000;
  private events = 0;
  /** Of views that outlive their processes. */
  private folder: string | null = null;

  constructor(
    private readonly script: Script,
    private readonly options: SimulationOptions,
  ) {
    const { seed } = script;
    const broken = (error: unknown, where: string) =>
      this.judge.violate(
        'broken',
        `${where}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
    this.scheduler = new Scheduler(drawn(seed, 'order'), (error) => broken(error, 'thrown where nobody catches it'));
    const { scheduler } = this;
    const logClock = { startsAt: startOf(script), rate: script.logRate ?? 1 };
    this.log = new SimulatedLog(scheduler, () => drawn(seed, 'log'), logClock);
    this.witness = new Witness(scheduler, this.liveness.selfFenceAfterMs * LONG_PAUSE);
    this.judge = new Judge({
      now: () => scheduler.now,
      logTime: () => this.logTime(),
      note: (what) => this.counters.note(what),
      liveness: this.liveness,
      quarantine: { crashes: 3, windowMs: 3_600_000, ...script.options?.quarantine },
      troubles: this.history,
      living: (name) => this.processes().find((process) => process.name === name) ?? null,
      trusted: (name) => this.trusted(name),
      webOnly: (process) => this.places.some(({ name, webOnly }) => webOnly && name === process.place),
      generation: () => this.log.generation,
      restored: (process) => this.restores.of(process),
    });
    this.restores = new Restores({
      ...{ scheduler, log: this.log, history: this.history, liveness: this.liveness },
      note: (what) => this.counters.note(what),
      rewound: (appends) => {
        this.hash.update(`restored ${this.log.head}\n`);
        this.judge.rewind(appends);
      },
    });
    this.log.onWritten((append) => {
      this.hash.update(`${append.at} ${append.by}\n`);
      for (const { stream, revision, position, id, type, data, metadata, created } of append.events) {
        this.events++;
        this.hash.update(`${position} ${stream} ${revision} ${id} ${type} ${created} ${data} ${metadata}\n`);
      }
      this.judge.written(append);
      // What it says of a service hides in the view what was said before: that is looked at now.
      if (append.events.some(({ type }) => isFactOfService(type)))
        this.eachView((view, whose) => this.judge.compareServices(view, whose));
    });
    this.witness.onEntry((run, others) => this.judge.entered(run, others, (other) => this.witness.processOf(other)));
    this.witness.onResumed((run, wentOnMs) => this.judge.resumed(run, wentOnMs));
    this.witness.onGuard((run) => this.judge.guarded(run));
    const ports: WorldPorts = {
      script,
      scheduler,
      log: this.log,
      troubles: this.troubles,
      witness: this.witness,
      handlersOf: options.handlers ?? behavingHandlers,
      drawn: (...words) => drawn(seed, ...words),
      logger: (process) => this.loggerOf(process),
      note: (what) => this.counters.note(what),
      substitute: options.substitute ?? ((asIs) => asIs),
      living: (pid) => this.processes().some((process) => process.pid === pid),
      nextPid: () => ++this.pid,
      sent: ({ process, service }, append) => {
        if (service !== null) this.judge.senders.sent(process, append, service.readModel.position());
      },
      selfFenceAfterMs: this.liveness.selfFenceAfterMs,
      folder: () => (this.folder ??= mkdtempSync(join(tmpdir(), 'simulated-'))),
      opened: (service, process) => {
        if (service.readModel.position() === 'start') return;
        this.counters.note('view-resumed');
        this.judge.compare(service.readModel, process.name);
      },
      startsAt: startOf(script),
      broken,
    };
    this.places = script.places.map((place) => new Place(place, ports));
    this.operators = new Operators({
      scheduler,
      note: (what) => this.counters.note(what),
      facade: (via, tries) => this.facade(via, tries),
      commandId: options.commandId ?? ((order) => order),
      notWritten: (order, words) => {
        if (this.judge.landed(order))
          this.judge.violate('I6', `${order} is in the log, and its caller was told: ${words}`);
      },
    });
    const outsiders = new Outsiders({
      ...{ seed, log: this.log },
      logTime: () => Math.floor(this.logTime()),
      job: (jobId) => this.judge.jobs.get(jobId)?.state,
      services: () => this.judge.alive().map(({ serviceId }) => serviceId),
      after: (delayMs, run) => void scheduler.after(delayMs, run),
      note: (what) => this.counters.note(what),
    });
    const { places, troubles, history, operators, restores } = this;
    this.actions = new Actions(script, {
      ...{ scheduler, places, troubles, history, operators, outsiders, restores },
      note: (what) => this.counters.note(what),
    });
  }

  async live(): Promise<SimulationResult> {
    try {
      return await this.lived();
    } finally {
      if (this.folder !== null) rmSync(this.folder, { recursive: true, force: true });
    }
  }

  private async lived(): Promise<SimulationResult> {
    const { scheduler, script, judge } = this;
    const stop = () => this.options.stopAtFirst !== false && judge.violations.length > 0;
    for (const place of this.places) scheduler.at(place.script.at ?? 0, () => place.start());
    for (const job of script.jobs) scheduler.at(job.at, () => this.schedule(job));
    for (const action of script.actions) scheduler.at(action.at, () => this.actions.act(action));
    this.compareViews();
    await scheduler.runUntil(script.durationMs, stop);
    if (this.options.heals === false) return this.result();
    if (!stop()) {
      this.heal();
      await scheduler.runUntil(script.durationMs + quietTimeMs(this.liveness), stop);
    }
    if (!stop()) {
      checkQuiet({
        judge,
        services: this.services(),
        witness: this.witness,
        now: this.logTime(),
        trueTime: scheduler.now,
      });
    }
    if (!stop() && this.options.lastDeath !== false) await this.oneMoreDies(stop);
    if (!stop()) {
      judge.finish();
      this.compareNow();
    }
    return this.result();
  }

  /** In a world in which all is well: how long does a takeover take? */
  private async oneMoreDies(stop: () => boolean): Promise<void> {
    const { scheduler, script, judge, witness, liveness } = this;
    const death = lastDeath(
      {
        ...{ judge, witness, liveness, now: scheduler.now },
        wayMs: (script.latency ?? LATENCY_MS)[1],
        living: (name) => this.processes().find((process) => process.name === name) ?? null,
        workers: this.services().filter(({ webOnly }) => !webOnly).length,
        shared: (serviceId) => this.places.filter((place) => place.serviceId === serviceId).length > 1,
      },
      drawn(script.seed, 'last-death'),
    );
    if (death === null) return judge.note('nobody-left-to-take-over');
    judge.note('last-death');
    this.places.find(({ current }) => current?.process.name === death.owner.process)?.crash('never');
    await scheduler.runUntil(death.until, stop);
    if (!stop()) checkTakenOver(death, judge);
  }

  private logTime(): number {
    return startOf(this.script) + this.scheduler.now * (this.script.logRate ?? 1);
  }

  private get liveness() {
    const { options } = this.script;
    return options?.liveness === undefined
      ? livenessProfiles.default
      : resolveOptions({ service: { name: 'any' }, ...options }).liveness;
  }

  private processes(): readonly SimulatedProcess[] {
    return this.places.flatMap(({ current }) => (current === null ? [] : [current.process]));
  }

  private services(): readonly LivingService[] {
    return this.places.flatMap(({ current, webOnly }) =>
      current === null || current.service === null
        ? []
        : [{ name: current.process.name, service: current.service, webOnly }],
    );
  }

  private trusted(name: string) {
    const membership = this.services().find((one) => one.name === name)?.service.membership;
    if (membership == null) return null;
    const { trust } = membership;
    // To ask a trust that has run out is to fence it: that would stop handlers of a process that is held up.
    const expired = trust.remainingMs() <= 0;
    return { incarnation: membership.incarnation(), fence: expired ? 'expired' : trust.check() };
  }

  /** Who asks again asks another one. */
  private facade(via: string | null, tries: number) {
    const open = this.places.filter(({ current }) => current?.service != null && !current.process.paused);
    const first = Math.max(
      0,
      open.findIndex(({ name }) => name === via),
    );
    const place = open[(first + tries) % Math.max(1, open.length)];
    if (place?.webOnly) this.counters.note('order-through-web');
    return place?.current?.service ?? null;
  }

  private schedule(job: JobScript): void {
    const { id, handler, payload = null, dueMs, tag, affinity, policies } = job;
    const schedule = dueMs === undefined ? job.schedule : ({ kind: 'once', at: startOf(this.script) + dueMs } as const);
    const commandId = uuidOf(drawn(this.script.seed, 'schedule', id));
    this.operators.send(commandId, null, ({ jobs }, call) =>
      jobs.schedule(jobType<unknown>(handler), payload, { id, schedule, tag, affinity, policies, ...call }),
    );
  }

  /** Nothing goes wrong any more, and whoever was told to stay away may come back. */
  private heal(): void {
    this.actions.heal();
    // A mark that was on its way may land now.
    for (const afterMs of REJOIN_MS)
      this.scheduler.after(afterMs, () => {
        for (const { service } of this.services()) service.rejoin();
      });
  }

  private compareViews(): void {
    this.scheduler.after(COMPARE_EVERY_MS, () => {
      this.compareNow();
      this.compareViews();
    });
  }

  private compareNow(): void {
    this.eachView((view, whose) => this.judge.compare(view, whose));
  }

  /** Of the living, but those that may show what is lost. */
  private eachView(compare: (view: ReadModel, whose: string) => void): void {
    for (const { name, service } of this.services()) {
      const { state } = service.readModel.health();
      if (state === 'stopped' || this.restores.showsLost(name, state)) continue;
      compare(service.readModel, name);
    }
  }

  private loggerOf(process: SimulatedProcess): Logger {
    const told = this.options.logger?.(process.name, () => this.scheduler.now) ?? silentLogger;
    return this.counters.counting(told, (fact) => this.restores.noticed(process, fact));
  }

  private result(): SimulationResult {
    const { scheduler, witness, judge } = this;
    for (const run of witness.runs) this.hash.update(JSON.stringify(run));
    return {
      violations: judge.violations,
      counts: this.counters.all(),
      runs: witness.runs,
      hash: this.hash.digest('hex'),
      steps: scheduler.steps,
      events: this.events,
      livedMs: scheduler.now,
    };
  }
}

function isFactOfService(type: string): boolean {
  return type.startsWith('Service') && type !== 'ServiceHeartbeat';
}
