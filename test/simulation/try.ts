import { simulate, type Script } from '../../src/testing/simulation';
const seed = Number(process.argv[2] ?? 1);
const script: Script = {
  seed,
  durationMs: 600_000,
  places: [{ id: 'a' }, { id: 'b', rate: 1.01 }, { id: 'c', rate: 0.99 }],
  jobs: Array.from({ length: 30 }, (_, n) => ({
    id: `job${n}`,
    at: 5_000 + 100 * n,
    handler: ['brief', 'long', 'faulty'][n % 3],
    schedule: { kind: 'interval', every: 20_000 },
  })),
  actions: [],
};
void (async () => {
  for (let n = 0; n < Number(process.argv[3] ?? 2); n++) {
    const before = process.cpuUsage();
    const { violations, counts, runs, hash, steps, events } = await simulate(script, {});
    console.log({
      violations,
      counts,
      runs: runs.length,
      hash: hash.slice(0, 16),
      steps,
      events,
      ms: (process.cpuUsage(before).user + process.cpuUsage(before).system) / 1000,
    });
  }
})();
