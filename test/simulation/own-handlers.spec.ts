import { randomScript, simulate, type HandlersOf } from 'holdfast/testing';

/** What the handlers write to: it outlives them, refuses a token lower than one it has seen for that job, and takes each key once. */
class Accounts {
  readonly paid: string[] = [];
  refused = 0;
  private readonly greatest = new Map<string, number>();

  pay(job: string, key: string, token: number): void {
    if (token < (this.greatest.get(job) ?? 0)) {
      this.refused++;
      throw new Error('a later run has been here');
    }
    this.greatest.set(job, token);
    if (!this.paid.includes(key)) this.paid.push(key);
  }
}

// The example of docs/simulation.md.
describe('own handlers under every fault', () => {
  it('pay each slot at most once, whatever dies', async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const accounts = new Accounts();
      const handlers: HandlersOf = ({ clock }) => [
        {
          name: 'payout',
          run: async (_payload, context) => {
            await clock.sleep(2_000, context.signal); // asks the bank
            await context.guard();
            accounts.pay(context.jobId, context.idempotencyKey, context.fencingToken);
          },
        },
      ];
      const script = randomScript(seed, { handlers: ['payout'], durationMs: 120_000 });
      const { violations, runs } = await simulate(script, { handlers });
      expect(violations).toEqual([]);
      expect(runs.length).toBeGreaterThan(10);
      expect(new Set(accounts.paid).size).toBe(accounts.paid.length);
      // Whoever returned has paid.
      for (const { jobId, slot } of runs.filter(({ how }) => how === 'returned'))
        expect(accounts.paid).toContain(`${jobId}/${slot}`);
    }
  });

  it('are found out when they hold the job for longer than they may after their abort', async () => {
    const handlers: HandlersOf = ({ clock }) => [{ name: 'payout', run: () => clock.sleep(60_000) }];
    const script = randomScript(5, { handlers: ['payout'], durationMs: 120_000 });
    const { violations, counts } = await simulate(script, { handlers });
    expect(violations).toEqual([]);
    expect(counts.get('stuck')).toBeGreaterThan(0);
  });
});
