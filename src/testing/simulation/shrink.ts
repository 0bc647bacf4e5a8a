import { SystemClock } from '../../clock';
import type { Action, Script } from './script';

export interface ShrinkOptions {
  /** Real ms after which the smallest script so far is the answer. Default 60,000. */
  readonly withinMs?: number;
}

/** @returns when a script fails: the true time of its violation, ms; null: it does not. */
type Fails = (script: Script) => Promise<number | null>;

/**
 * A smaller script that still fails: fewer actions, jobs and places, a shorter life, nothing that is not needed. What comes after the violation goes
 * first, then all but what was done shortly before it, whole kinds of faults, places, and what time passes in which nothing is done: so what is
 * tried one by one afterwards is tried on a world that takes a part of the time.
 *
 * A world with less in it has another history. So a large cut is tried with other seeds, too, and the script may come back with one of them.
 * @param fails when a script still does: the true time of its violation, ms; null: it does not. It is asked a hundred times or more, one after the other.
 */
export async function shrink(script: Script, fails: Fails, options: ShrinkOptions = {}): Promise<Script> {
  const clock = new SystemClock();
  const until = clock.monotonic() + (options.withinMs ?? 60_000);
  return new Shrinking(script, fails, () => clock.monotonic() >= until).run();
}

/** A large cut is tried with so many seeds. */
const SEEDS = 3;
/** After a large cut the violation may come so much later, ms. */
const SLACK_MS = 5_000;
/** What was done so long before the violation is tried alone, ms. */
const WINDOWS_MS = [15_000, 60_000, 180_000];
/** A world gets so long before the first thing is done to it, ms. */
const LEADS_MS = [3_000, 10_000, 30_000];

class Shrinking {
  private failedAt = Infinity;

  constructor(
    private best: Script,
    private readonly fails: Fails,
    private readonly over: () => boolean,
  ) {}

  async run(): Promise<Script> {
    if (!(await this.attempt(this.best))) return this.best;
    await this.shorter(SLACK_MS);
    await this.lately();
    await this.fewerKinds();
    await this.fewerPlaces(SEEDS);
    await this.fewerJobs(SEEDS, 8);
    for (let before = ''; before !== JSON.stringify(this.best) && !this.over();) {
      before = JSON.stringify(this.best);
      await this.earlier();
      await this.shorter(SLACK_MS);
      await this.fewerKinds();
      await this.fewerActions();
      await this.fewerJobs(1, Infinity);
      await this.fewerPlaces(1);
      await this.plainer();
    }
    await this.shorter(1);
    return this.best;
  }

  private async attempt(smaller: Script, seeds = 1): Promise<boolean> {
    const { seed } = this.best;
    for (let n = 0; n < seeds && !this.over(); n++) {
      const script = { ...smaller, seed: seed + n };
      const at = await this.fails(script);
      if (at === null) continue;
      this.best = script;
      this.failedAt = at;
      return true;
    }
    return false;
  }

  /** The violation comes while things are done to the world; else it is found when it is quiet again. */
  private get inLife(): boolean {
    return this.failedAt <= this.best.durationMs;
  }

  /** Nothing that comes after the violation; and a shorter life where it comes of what is found at the end. */
  private async shorter(slackMs: number): Promise<void> {
    const until = (durationMs: number) => {
      const within = <T extends { readonly at: number }>(all: readonly T[]) => all.filter(({ at }) => at <= durationMs);
      const { actions, jobs } = this.best;
      return this.attempt({ ...this.best, durationMs, actions: within(actions), jobs: within(jobs) });
    };
    const end = Math.ceil(this.failedAt) + slackMs;
    if (this.inLife) return void (end < this.best.durationMs && (await until(end)));
    for (const factor of [0.25, 0.5, 0.75, 0.9, 0.97])
      if (await until(Math.round(this.best.durationMs * factor))) return;
  }

  /** Only what was done shortly before the violation. */
  private async lately(): Promise<void> {
    if (!this.inLife) return;
    for (const window of WINDOWS_MS) {
      const actions = this.best.actions.filter(({ at }) => at >= this.failedAt - window);
      if (actions.length === this.best.actions.length) return;
      if (await this.attempt({ ...this.best, actions }, SEEDS)) return;
    }
  }

  /** The time in which nothing is done to the world yet. */
  private async earlier(): Promise<void> {
    const first = Math.min(...this.best.actions.map(({ at }) => at), this.failedAt, this.best.durationMs);
    for (const lead of LEADS_MS) {
      const by = Math.floor(first - lead);
      if (by < 1_000) return;
      const sooner = (at: number) => Math.max(0, at - by);
      const { durationMs, actions, jobs, places } = this.best;
      const moved: Script = {
        ...this.best,
        durationMs: durationMs - by,
        actions: actions.map((action) => ({ ...action, at: sooner(action.at) })),
        jobs: jobs.map((job) => ({
          ...job,
          at: sooner(job.at),
          ...(job.dueMs === undefined ? {} : { dueMs: sooner(job.dueMs) }),
        })),
        places: places.map((place) => (place.at === undefined ? place : { ...place, at: sooner(place.at) })),
      };
      if (await this.attempt(moved, SEEDS)) return;
    }
  }

  private fewerKinds(): Promise<void> {
    return this.fewer(
      () => [...new Set(this.best.actions.map(kindOf))],
      (kinds) =>
        this.attempt({ ...this.best, actions: this.best.actions.filter((one) => kinds.includes(kindOf(one))) }, SEEDS),
    );
  }

  private fewerActions(): Promise<void> {
    return this.fewer(
      () => this.best.actions,
      (actions) => this.attempt({ ...this.best, actions }),
    );
  }

  private fewerJobs(seeds: number, parts: number): Promise<void> {
    return this.fewer(
      () => this.best.jobs,
      (jobs) => this.attempt({ ...this.best, jobs }, seeds),
      parts,
    );
  }

  /** A place goes with what is done to it. */
  private async fewerPlaces(seeds: number): Promise<void> {
    if (this.best.places.length === 1) return;
    await this.fewer(
      () => this.best.places,
      (places) => {
        if (places.length === 0) return Promise.resolve(false);
        const names = new Set([null, ...places.map(({ id, place = id }) => place)]);
        const actions = this.best.actions.filter((action) => !('place' in action) || names.has(action.place));
        return this.attempt({ ...this.best, places, actions }, seeds);
      },
    );
  }

  /** Delta debugging: without larger and then smaller parts; the smallest is one of `parts`, or a single one. */
  private async fewer<T>(
    now: () => readonly T[],
    without: (rest: readonly T[]) => Promise<boolean>,
    parts = Infinity,
  ): Promise<void> {
    const least = Math.max(1, Math.floor(now().length / parts));
    for (let size = Math.ceil(now().length / 2); size >= least; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < now().length && !this.over();) {
        const rest = [...now().slice(0, from), ...now().slice(from + size)];
        if (!(await without(rest))) from += size;
      }
    }
  }

  /** Whatever is left that says something says less. */
  private async plainer(): Promise<void> {
    for (const key of ['logRate', 'latency', 'options'] as const) {
      const { [key]: dropped, ...rest } = this.best;
      if (dropped !== undefined) await this.attempt(rest);
    }
    for (const [index, place] of this.best.places.entries()) {
      for (const key of ['rate', 'wallOffMs', 'provable', 'maxConcurrentRuns', 'labels', 'at'] as const) {
        const current = this.best.places[index] ?? place;
        const { [key]: dropped, ...rest } = current;
        if (dropped === undefined) continue;
        await this.attempt({ ...this.best, places: this.best.places.map((one, n) => (n === index ? rest : one)) });
      }
    }
    for (const [index] of this.best.jobs.entries()) {
      for (const key of ['policies', 'tag', 'affinity'] as const) {
        const { [key]: dropped, ...rest } = this.best.jobs[index];
        if (dropped === undefined) continue;
        await this.attempt({ ...this.best, jobs: this.best.jobs.map((one, n) => (n === index ? rest : one)) });
      }
    }
  }
}

/** What is dropped together. */
function kindOf(action: Action): string {
  if (action.do === 'trouble') return `trouble ${action.trouble.kind}`;
  return action.do === 'order' ? `order ${action.order}` : action.do;
}
