import { tooTame } from './minimums';
import type { LivedWorld } from './world';

/** Worlds between two lines of progress. */
const TOLD_EVERY = 500;

/** What all worlds come to. */
export class Totals {
  private readonly counts = new Map<string, number>();
  private readonly zombies: number[] = [];
  private violations = 0;
  /** Worlds. */
  lived = 0;
  private cpuMs = 0;

  add({ violations, counts, zombies, cpuMs }: LivedWorld): void {
    for (const [what, n] of counts) this.counts.set(what, (this.counts.get(what) ?? 0) + n);
    this.zombies.push(...zombies);
    this.violations += violations;
    this.lived++;
    this.cpuMs += cpuMs;
  }

  /** How far a long run has come, on the error output, now and then: what it finds goes to the other. */
  progress(seeds: number, tell: (line: string) => void): void {
    if (this.lived % TOLD_EVERY === 0 && this.lived < seeds)
      tell(`${this.lived} of ${seeds} seeds, violations ${this.violations}`);
  }

  /** @param realMs how long it took all in all. @returns whether all was in order. */
  tell(realMs: number, tell: (line: string) => void): boolean {
    for (const [what, n] of [...this.counts].sort()) tell(`${String(n).padStart(8)}  ${what}`);
    const sorted = [...this.zombies].sort((a, b) => a - b);
    const part = (p: number) => Math.round(sorted[Math.floor((sorted.length - 1) * p)] ?? 0);
    tell(
      `handlers that went on after their process was resumed, until their abort: ${sorted.length}; p50 ${part(0.5)} ms, p99 ${part(0.99)} ms, most ${part(1)} ms`,
    );
    const worlds = Math.max(1, this.lived);
    const perMinute = realMs > 0 ? (60_000 * this.lived) / realMs : 0;
    tell(`cpu time per seed: ${Math.round(this.cpuMs / worlds)} ms; ${Math.round(perMinute)} seeds a minute`);
    const tame = tooTame(this.lived, this.counts);
    for (const words of tame) tell(`too tame: ${words}`);
    tell(`seeds ${this.lived}, violations ${this.violations}`);
    return this.violations === 0 && tame.length === 0;
  }
}
