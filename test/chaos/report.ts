import { median, percentile } from '../../bench/statistics';
import { table } from '../../bench/report';
import { isOutage } from './disturbances';
import type { Evidence } from './evidence';
import type { Judgement } from './judge';
import { kinds } from './plan';
import type { Takeover } from './takeovers';

export interface Spread {
  readonly n: number;
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

/** What a handler of a resumed process should take at most to be stopped, ms. */
const ZOMBIE_GOAL_MS = 200;
const MOST_SENTENCES = 20;

export function reportOf(evidence: Evidence, judgement: Judgement) {
  const { lost, doubled, stale, unsound, late, tame, takeovers, zombies, bites, unprovoked } = judgement;
  const { faults, refused, written, entries, lines } = evidence;
  const causes = [...kinds, 'outage', 'none'] as const;
  const wentOn = zombies.map(({ wentOnMs }) => wentOnMs);
  const verdicts = entries.filter(({ event }) => event.type === 'ServiceMarkedFailed').length;
  return {
    faults: faults.length,
    takeovers: takeovers.length,
    lost: lost.length,
    doubled: doubled.length,
    stale: stale.length,
    unsound: unsound.length,
    late: late.length,
    tame: tame.length,
    events: entries.length,
    runs: written.filter(({ kind }) => kind === 'enter').length,
    writes: written.length,
    refusedByLedger: refused.length,
    outcomesRefused: entries.filter(({ event }) => event.type === 'JobRunOutcomeRefused').length,
    verdicts,
    unprovoked,
    fences: lines.filter(({ fact }) => fact === 'service.fenced').length,
    outages: faults.filter(isOutage).length,
    stoppedInCommit: faults.filter((f) => f.inCommit && !f.dead).length,
    stoppedInLedger: faults.filter((f) => f.inLedger).length,
    byKind: bites,
    bound: spreads(causes, takeovers, ({ bound, boundMs }) => (bound ? boundMs : null)),
    ranOn: spreads(causes, takeovers, ({ ranOnMs }) => ranOnMs),
    zombies: {
      ...spread(wentOn),
      withinGoal: wentOn.filter((ms) => ms <= ZOMBIE_GOAL_MS).length,
      goalMs: ZOMBIE_GOAL_MS,
    },
  };
}

export type Report = ReturnType<typeof reportOf>;

function spreads(
  causes: readonly Takeover['cause'][],
  takeovers: readonly Takeover[],
  of: (takeover: Takeover) => number | null,
): { readonly [cause: string]: Spread } {
  return Object.fromEntries(
    causes.flatMap((cause) => {
      const values = takeovers.filter((one) => one.cause === cause).flatMap((one) => of(one) ?? []);
      return values.length === 0 ? [] : [[cause, spread(values)]];
    }),
  );
}

function spread(values: readonly number[]): Spread {
  if (values.length === 0) return { n: 0, p50: 0, p90: 0, max: 0 };
  const [p50, p90, max] = [median(values), percentile(values, 0.9), percentile(values, 1)].map(Math.round);
  return { n: values.length, p50, p90, max };
}

/** For people. */
export function tell(report: Report, judgement: Judgement): string {
  const row = (name: string, { n, p50, p90, max }: Spread) => [name, String(n), `${p50}`, `${p90}`, `${max}`];
  const head = ['ms', 'n', 'p50', 'p90', 'max'];
  const { zombies } = report;
  const parts = [
    `${report.events} events, ${report.runs} runs, ${report.writes} writes accepted by the ledger and ${report.refusedByLedger} refused, ` +
      `${report.outcomesRefused} late outcomes refused, ${report.verdicts} verdicts (${report.unprovoked} on services that no fault had met), ${report.fences} fences; ` +
      `${report.stoppedInCommit} times stopped in the middle of a commit, ${report.stoppedInLedger} times in a write to the ledger.`,
    table(
      [
        ['fault', 'made', 'with effect'],
        ...kinds.map((k) => [k, `${report.byKind[k].made}`, `${report.byKind[k].bit}`]),
      ],
      'plain',
    ),
    `From the fault to the binding elsewhere, each job:\n${table([head, ...Object.entries(report.bound).map(([k, s]) => row(k, s))], 'plain')}`,
    `From the fault to the entry of the interrupted run's next attempt:\n${table([head, ...Object.entries(report.ranOn).map(([k, s]) => row(k, s))], 'plain')}`,
    `How long a resumed handler whose service's trust had run out went on:\n${table([head, row('from SIGCONT', zombies)], 'plain')}\n` +
      `${zombies.withinGoal} of ${zombies.n} within ${zombies.goalMs} ms.`,
    ...(['lost', 'doubled', 'stale', 'unsound', 'late', 'tame'] as const).flatMap((what) =>
      sentences(what, judgement[what]),
    ),
  ];
  return parts.join('\n\n');
}

function sentences(what: string, words: readonly string[]): string[] {
  if (words.length === 0) return [];
  const more = words.length > MOST_SENTENCES ? [`… and ${words.length - MOST_SENTENCES} more`] : [];
  return [[`${what.toUpperCase()}:`, ...words.slice(0, MOST_SENTENCES), ...more].join('\n  ')];
}

export function lastLine({ faults, takeovers, lost, doubled, stale }: Report): string {
  return `faults ${faults}, takeovers ${takeovers}, lost ${lost}, doubled ${doubled}, stale ${stale}`;
}
