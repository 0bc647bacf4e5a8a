import { SystemClock } from '../../clock';
import type { Script } from './script';

export interface ShrinkOptions {
  /** Real ms after which the smallest script so far is the answer. Default 60,000. */
  readonly withinMs?: number;
}

/**
 * A smaller script that still fails: fewer actions, jobs and places, a shorter life, nothing that is not needed.
 * @param fails when a script still does: the true time of its violation, ms; null: it does not. It is asked a hundred times or more, one after the other.
 */
export async function shrink(
  script: Script,
  fails: (script: Script) => Promise<number | null>,
  options: ShrinkOptions = {},
): Promise<Script> {
  const clock = new SystemClock();
  const until = clock.monotonic() + (options.withinMs ?? 60_000);
  const over = () => clock.monotonic() >= until;
  let best = script;
  let failedAt = Infinity;
  const attempt = async (smaller: Script) => {
    if (over()) return false;
    const at = await fails(smaller);
    if (at === null) return false;
    best = smaller;
    failedAt = at;
    return true;
  };
  if (!(await attempt(script))) return script;
  for (let before = ''; before !== JSON.stringify(best) && !over();) {
    before = JSON.stringify(best);
    await shorter(
      () => best,
      () => failedAt,
      attempt,
    );
    await fewer(
      () => best.actions,
      (actions) => attempt({ ...best, actions }),
      over,
    );
    await fewer(
      () => best.jobs,
      (jobs) => attempt({ ...best, jobs }),
      over,
    );
    if (best.places.length > 1)
      await fewer(
        () => best.places,
        (places) => (places.length === 0 ? Promise.resolve(false) : attempt({ ...best, places })),
        over,
      );
    await plainer(() => best, attempt);
  }
  return best;
}

type Attempt = (smaller: Script) => Promise<boolean>;

/** Delta debugging: without larger and then smaller parts. */
async function fewer<T>(
  now: () => readonly T[],
  without: (rest: readonly T[]) => Promise<boolean>,
  over: () => boolean,
): Promise<void> {
  for (let size = Math.ceil(now().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < now().length && !over();) {
      const rest = [...now().slice(0, from), ...now().slice(from + size)];
      if (!(await without(rest))) from += size;
    }
  }
}

/** Nothing that comes after the violation; and a shorter life where it comes of what is found at the end. */
async function shorter(now: () => Script, failedAt: () => number, attempt: Attempt): Promise<void> {
  const until = (durationMs: number) => {
    const within = <T extends { readonly at?: number }>(all: readonly T[]) =>
      all.filter(({ at = 0 }) => at <= durationMs);
    const { actions, jobs } = now();
    return attempt({ ...now(), durationMs, actions: within(actions), jobs: within(jobs) });
  };
  if (failedAt() < now().durationMs && (await until(Math.ceil(failedAt()) + 1))) return;
  for (const factor of [0.25, 0.5, 0.75, 0.9, 0.97]) if (await until(Math.round(now().durationMs * factor))) return;
}

/** Whatever is left that says something says less. */
async function plainer(now: () => Script, attempt: Attempt): Promise<void> {
  for (const key of ['logRate', 'latency', 'options'] as const) {
    const { [key]: dropped, ...rest } = now();
    if (dropped !== undefined) await attempt(rest);
  }
  for (const [index, place] of now().places.entries()) {
    for (const key of ['rate', 'wallOffMs', 'provable', 'maxConcurrentRuns', 'labels', 'at'] as const) {
      const current = now().places[index] ?? place;
      const { [key]: dropped, ...rest } = current;
      if (dropped === undefined) continue;
      await attempt({ ...now(), places: now().places.map((one, n) => (n === index ? rest : one)) });
    }
  }
  for (const [index] of now().jobs.entries()) {
    for (const key of ['policies', 'tag', 'affinity'] as const) {
      const { [key]: dropped, ...rest } = now().jobs[index];
      if (dropped === undefined) continue;
      await attempt({ ...now(), jobs: now().jobs.map((one, n) => (n === index ? rest : one)) });
    }
  }
}
