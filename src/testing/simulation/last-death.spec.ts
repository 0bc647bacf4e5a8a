import type { Judge } from './judge';
import type { JudgedIncarnation } from './judged';
import { checkTakenOver, type LastDeath } from './last-death';
import { simulate } from './simulation';
import type { Script } from './script';

const script: Script = {
  seed: 3,
  durationMs: 10_000,
  places: [{ id: 'a' }, { id: 'b' }, { id: 'c' }],
  jobs: [0, 1, 2, 3, 4, 5].map((n) => ({
    id: `job-${n}`,
    at: 3_000,
    handler: 'brief',
    schedule: { kind: 'interval', every: 5_000 },
  })),
  actions: [],
};

describe('the owner that dies when all is well', () => {
  it('has its jobs taken over in time', async () => {
    const { violations, counts } = await simulate(script);
    expect(violations).toEqual([]);
    expect(counts.get('last-death')).toBe(1);
    expect(counts.get('taken-over')).toBeGreaterThanOrEqual(1);
  });

  it('does not die where nobody could take its jobs, nor in a world that does not heal', async () => {
    const alone = await simulate({ ...script, places: [{ id: 'a' }] });
    expect(alone.counts.get('last-death')).toBeUndefined();
    const left = await simulate(script, { heals: false });
    expect([left.counts.get('last-death'), left.livedMs]).toEqual([undefined, script.durationMs]);
  });

  describe('by the judge', () => {
    const within = 7_000;
    const death: LastDeath = {
      owner: { process: 'a#1' } as JudgedIncarnation & { incarnation: string },
      diedAt: 100_000,
      beatAt: 99_500,
      jobs: [{ jobId: 'j', withinMs: within, heirs: ['b'] }],
      until: 99_500 + within,
    };
    const said = (stage: string, boundAt: number) => {
      const words: string[] = [];
      const jobs = new Map([['j', { state: { stage }, boundAt }]]);
      const judge = {
        jobs,
        note: () => undefined,
        violate: (rule: string, what: string) => words.push(`${rule} ${what}`),
      };
      checkTakenOver(death, judge as unknown as Judge);
      return words;
    };

    it.each([
      ['in time', 'live', 106_400],
      ['not: it is in quarantine', 'quarantined', 50_000],
    ])('may have its job taken %s', (_, stage, boundAt) => expect(said(stage, boundAt)).toEqual([]));

    it.each([
      ['late', 106_600, /^I5 .* after 7100 ms/],
      ['not at all', 50_000, /^I5 .* not yet/],
    ])('may not have it taken %s', (_, boundAt, words) =>
      expect(said('live', boundAt)).toEqual([expect.stringMatching(words)]),
    );
  });
});
