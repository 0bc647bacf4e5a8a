import type { Evidence, Fault } from './evidence';
import { kinds, type Kind } from './plan';
import type { Takeover } from './takeovers';
import type { Zombie } from './zombies';

/** In a shorter run whoever was stopped for long may be met by an outage, so that nobody could take over. */
const REFUSALS_FROM_MINUTES = 3;

/** How often each kind of fault was made, and how often it had the effect that it is made for. */
export type Bites = { readonly [kind in Kind]: { readonly made: number; readonly bit: number } };

export function bites({ faults, lines }: Evidence, taken: readonly Takeover[]): Bites {
  const tookJobs = (fault: Fault) => taken.some((one) => one.fault === fault && one.bound);
  const line = (fault: Fault, fact: string, is: (line: Evidence['lines'][number]) => boolean = () => true) =>
    lines.some(
      (l) =>
        l.fact === fact &&
        fault.pids.includes(l.pid) &&
        l.mono >= fault.atMono &&
        l.mono <= fault.untilMono + 10_000 &&
        is(l),
    );
  const effect: { readonly [kind in Kind]: (fault: Fault) => boolean } = {
    kill: tookJobs,
    restart: tookJobs,
    'kill-appending': (fault) => fault.inCommit && tookJobs(fault),
    term: (fault) => line(fault, 'service.closed') && tookJobs(fault),
    stop: stood,
    // Whether it is judged is open: nothing but safety is asked for.
    'stop-at-the-threshold': stood,
    'long-stop': (fault) => line(fault, 'service.fenced'),
    'stop-in-commit': ({ inCommit }) => inCommit,
    twin: ({ foundOut }) => foundOut,
    stall: (fault) => line(fault, 'late'),
    full: (fault) => line(fault, 'disk.has-room', ({ refused }) => Number(refused) > 0),
  };
  return Object.fromEntries(
    kinds.map((kind) => {
      const made = faults.filter((fault) => fault.kind === kind);
      return [kind, { made: made.length, bit: made.filter((fault) => effect[kind](fault)).length }];
    }),
  ) as Bites;
}

function stood({ at, until }: Fault): boolean {
  return until - at >= 500;
}

/** How often each kind must have its effect in a run of so many minutes. */
export function leastOfEach(minutes: number): number {
  return Math.max(1, Math.floor(minutes / 2));
}

/** Every kind must have had its effect at least once in two minutes, and once at all; some zombie must have been resumed, and, in a run of some length, some token refused. */
export function tame(evidence: Evidence, found: Bites, zombies: readonly Zombie[]): string[] {
  const least = leastOfEach(evidence.settings.minutes);
  const words = kinds.flatMap((kind) => {
    const { made, bit } = found[kind];
    return bit >= least
      ? []
      : [`${kind}: made ${made} times, with effect ${bit} times; ${least} at least are asked for`];
  });
  if (zombies.length === 0) words.push('no handler was resumed in the middle of its run after trust had run out');
  if (evidence.refused.length === 0 && evidence.settings.minutes >= REFUSALS_FROM_MINUTES)
    words.push('nobody came to the ledger with a token that was too low');
  return words;
}
