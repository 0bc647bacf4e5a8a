import { cases, killing, storeCases } from '../../bench/cases';
import type { Measured } from '../../bench/case';
import { isMet, keys } from '../../bench/goals';
import { figureRows, figuresOf, lineOf, table } from '../../bench/report';
import { seeded } from '../../bench/seeded';
import { median, percentile } from '../../bench/statistics';

const all = [...cases, ...storeCases, killing];

describe('the figures of the bench', () => {
  it('have one case each, and every case has keys', () => {
    const measured = all.flatMap(({ bench }) => bench.keys);
    expect([...measured].sort()).toEqual([...keys].sort());
    for (const { bench } of all) expect(bench.keys.length).toBeGreaterThan(0);
  });

  it('come from cases with names of their own', () => {
    const names = all.map(({ bench }) => bench.name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('bear the name of the store where they are measured over a server, and only there', () => {
    const ofStore = [...storeCases, killing].flatMap(({ bench }) => bench.keys);
    expect(ofStore.every((key) => key.startsWith('esdb'))).toBe(true);
    expect(cases.flatMap(({ bench }) => bench.keys).some((key) => key.startsWith('esdb'))).toBe(false);
  });

  it('are met at their very goal, and missed beyond it', () => {
    expect(isMet('fairnessP99Ms', 250)).toBe(true);
    expect(isMet('fairnessP99Ms', 250.1)).toBe(false);
    expect(isMet('rebuildEventsPerSecond', 30_000)).toBe(true);
    expect(isMet('rebuildEventsPerSecond', 29_999)).toBe(false);
    expect(isMet('runsPerRawPair1', 0)).toBeNull();
  });
});

describe('median and percentile', () => {
  it('take the middle', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
  });

  it('take the nearest rank, never a value that was not measured', () => {
    const values = Array.from({ length: 20 }, (_, n) => 20 - n);
    expect(percentile(values, 0)).toBe(1);
    expect(percentile(values, 0.5)).toBe(10);
    expect(percentile(values, 0.9)).toBe(18);
    expect(percentile(values, 0.99)).toBe(20);
    expect(percentile(values, 1)).toBe(20);
  });

  it('refuse what has no answer', () => {
    expect(() => median([])).toThrow(RangeError);
    expect(() => percentile([1, NaN], 0.5)).toThrow('each must be a finite number');
    expect(() => percentile([1], 50)).toThrow('a share from 0 to 1');
  });
});

describe('the report', () => {
  const round = (runsPerRawPair50: number, fairnessP99Ms?: number): Measured => ({
    figures: { runsPerRawPair50, ...(fairnessP99Ms === undefined ? {} : { fairnessP99Ms }) },
    beside: [],
  });

  it('has the median of the rounds, their spread, and whether the goal was met, in the order of the goals', () => {
    const results = [
      { name: 'fairness', rounds: [{ figures: { fairnessP99Ms: 300.04 }, beside: [] }], seconds: 1 },
      { name: 'runs', rounds: [round(0.6), round(0.4), round(0.5)], seconds: 1 },
    ];
    const figures = figuresOf(results);
    expect(lineOf(figures)).toEqual({ runsPerRawPair50: 0.5, fairnessP99Ms: 300 });
    expect(figureRows(figures).slice(1)).toEqual([
      ['runsPerRawPair50', expect.any(String), '0.500', '0.400–0.600 of 3', '≥ 0.5', 'met'],
      ['fairnessP99Ms', expect.any(String), '300.0', 'once', '≤ 250', 'MISSED'],
    ]);
  });

  it('is not made of rounds of which one lacks a figure', () => {
    const results = [{ name: 'runs', rounds: [round(0.6, 1), round(0.4)], seconds: 1 }];
    expect(() => figuresOf(results)).toThrow('case runs: a round has no fairnessP99Ms');
  });

  it('is a table for people, or one of Markdown', () => {
    const rows = [
      ['key', 'n'],
      ['a', '≤ 10'],
    ];
    expect(table(rows, 'plain')).toBe('key  n\n---  ----\na    ≤ 10');
    expect(table(rows, 'markdown')).toBe('| key | n    |\n| --- | ---- |\n| a   | ≤ 10 |');
  });
});

describe('seeded randomness', () => {
  it('is the same for the same seed, from 0 to below 1, and not constant', () => {
    const [one, again, other] = [seeded(1), seeded(1), seeded(2)];
    const values = Array.from({ length: 1_000 }, one);
    expect(Array.from({ length: 1_000 }, again)).toEqual(values);
    expect(Array.from({ length: 1_000 }, other)).not.toEqual(values);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(median(values)).toBeCloseTo(0.5, 1);
  });
});
