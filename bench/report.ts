import type { BenchKey, Measured } from './case';
import { goals, isMet, keys } from './goals';
import { median, percentile } from './statistics';

/** One case, after its rounds. */
export interface CaseResult {
  readonly name: string;
  readonly rounds: readonly Measured[];
  readonly seconds: number;
}

export interface Figure {
  readonly key: BenchKey;
  /** The median of the rounds. */
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
}

/** In the order of the goals. @throws Error when a round lacks a key that another round of its case has. */
export function figuresOf(results: readonly CaseResult[]): readonly Figure[] {
  return keys.flatMap((key) => {
    const result = results.find(({ rounds }) => rounds.some(({ figures }) => figures[key] !== undefined));
    if (!result) return [];
    const values = result.rounds.map(({ figures }) => {
      const value = figures[key];
      if (value === undefined) throw new Error(`case ${result.name}: a round has no ${key}`);
      return value;
    });
    const [min, max] = [percentile(values, 0), percentile(values, 1)];
    return [{ key, value: median(values), min, max, rounds: values.length }];
  });
}

/** The keys of the JSON line, each rounded as in the table. */
export function lineOf(figures: readonly Figure[]): Readonly<Record<string, number>> {
  return Object.fromEntries(figures.map(({ key, value }) => [key, Number(value.toFixed(goals[key].digits))]));
}

/** For people: each key with its goal, the spread of its rounds, and whether the goal was met. */
export function figureRows(figures: readonly Figure[]): readonly (readonly string[])[] {
  const rows = figures.map(({ key, value, min, max, rounds }) => {
    const { what, goal, digits } = goals[key];
    const word = (n: number) => n.toFixed(digits);
    const met = isMet(key, Number(word(value)));
    return [
      key,
      what,
      word(value),
      rounds > 1 ? `${word(min)}–${word(max)} of ${rounds}` : 'once',
      goal === null ? '–' : `${goal.at === 'most' ? '≤' : '≥'} ${goal.value}`,
      met === null ? '–' : met ? 'met' : 'MISSED',
    ];
  });
  return [['key', 'what', 'figure', 'spread', 'goal', ''], ...rows];
}

/** The absolute figures beside the keys: those of every round, in order. */
export function besideRows(results: readonly CaseResult[]): readonly (readonly string[])[] {
  const rows = results.flatMap(({ name, rounds }) => {
    const values = new Map<string, string[]>();
    for (const { what, value } of rounds.flatMap(({ beside }) => beside))
      values.set(what, [...(values.get(what) ?? []), value]);
    return [...values].map(([what, found]) => [name, what, [...new Set(found)].join(' · ')]);
  });
  return [['case', 'beside', 'rounds'], ...rows];
}

/** @param rows the first one is the head. All have the same number of cells. */
export function table(rows: readonly (readonly string[])[], style: 'plain' | 'markdown'): string {
  const widths = rows[0].map((_, column) => Math.max(3, ...rows.map((row) => [...row[column]].length)));
  const line = (row: readonly string[]) => {
    const cells = row.map((cell, column) => cell + ' '.repeat(widths[column] - [...cell].length));
    return style === 'markdown' ? `| ${cells.join(' | ')} |` : cells.join('  ').trimEnd();
  };
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(rows[0]), line(rule), ...rows.slice(1).map(line)].join('\n');
}
