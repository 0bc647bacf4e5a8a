import { drawn, type Action, type JobScript, type PlaceScript, type Script } from '../../../src/testing/simulation';

/** Draws for one world: moments and lengths that the seed moves. */
export class Moments {
  private readonly random;
  constructor(readonly seed: number) {
    this.random = drawn(seed, 'control');
  }
  between(from: number, to: number): number {
    return Math.round(from + (to - from) * this.random.next());
  }
  uuid(): string {
    return this.random.uuid(0);
  }
}

export const three: readonly PlaceScript[] = [
  { id: 'a', host: 'host-a' },
  { id: 'b', host: 'host-b', at: 300 },
  { id: 'c', host: 'host-c', at: 600 },
];

/** Jobs of one kind, `n` of them, from the fourth second on. */
export function jobsOf(n: number, handler: string, more: Partial<JobScript> = {}): JobScript[] {
  return Array.from({ length: n }, (_, index) => ({
    id: `${handler}-${index}`,
    at: 4_000 + 40 * index,
    handler,
    ...more,
  }));
}

export const everyMs = (every: number) => ({ schedule: { kind: 'interval', every } }) as const;

/** Jobs that one service has while it can. */
export const atHome = (host: string) => ({ tag: { host: `host-${host}` }, affinity: 'preferred' }) as const;

export function world(
  seed: number,
  durationMs: number,
  jobs: readonly JobScript[],
  actions: readonly Action[],
  more: Partial<Script> = {},
): Script {
  return { seed, durationMs, places: three, jobs, actions, ...more };
}
