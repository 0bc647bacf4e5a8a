import { disturbances } from './disturbances';
import type { Evidence } from './evidence';
import { late } from './liveness';
import { historyOf } from './ownerships';
import { safety, type Safety } from './safety';
import { bites, tame, type Bites } from './tame';
import { takeovers, unprovoked, type Takeover } from './takeovers';
import { zombies, type Zombie } from './zombies';

/** What became of it. Every list of sentences must be empty. */
export interface Judgement extends Safety {
  /** What `verify` says. */
  readonly unsound: readonly string[];
  /** Beyond a bound of liveness. */
  readonly late: readonly string[];
  /** What was not tried hard enough: such a run shows nothing. */
  readonly tame: readonly string[];
  readonly takeovers: readonly Takeover[];
  readonly zombies: readonly Zombie[];
  readonly bites: Bites;
  /** Services that were marked failed though no fault had met them. */
  readonly unprovoked: number;
}

export function judge(evidence: Evidence): Judgement {
  const history = historyOf(evidence);
  const disturbed = disturbances(evidence);
  const taken = takeovers(evidence, history, disturbed);
  const resumed = zombies(evidence, disturbed);
  const effects = bites(evidence, taken);
  return {
    ...safety(evidence),
    unsound: evidence.unsound,
    late: late(evidence, taken, resumed, history, disturbed),
    tame: tame(evidence, effects, resumed),
    takeovers: taken,
    zombies: resumed,
    bites: effects,
    unprovoked: unprovoked(evidence, history),
  };
}

export function isGood({ lost, doubled, stale, unsound, late: tooLate, tame: toTame }: Judgement): boolean {
  return [lost, doubled, stale, unsound, tooLate, toTame].every((words) => words.length === 0);
}
