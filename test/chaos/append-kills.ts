import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { EmbeddedEventStore, SystemClock, SystemRandom } from 'holdfast';
import { seeded } from '../../bench/seeded';
import { AppendingProcess, type Acknowledged } from '../processes/appending-process';
import type { ChaosOptions } from './options';

const program = join(__dirname, '../processes/appender.js');
const ports = { clock: new SystemClock(), random: new SystemRandom() };
/** It is killed after so many acknowledgements, at random. */
const FEWEST = 200;
const MOST = 2_000;
const PATIENCE_MS = 60_000;

/**
 * Rounds of: a process appends to the log as fast as it takes them, is killed (SIGKILL), and the log is opened again. Every event that was
 * acknowledged, in this round or an earlier one, must be where the acknowledgement said, and no stream may have a gap.
 */
export async function appendKills(options: ChaosOptions, directory: string): Promise<boolean> {
  const { appendKills: rounds, seed, json } = options;
  const out = json ? process.stderr : process.stdout;
  const random = seeded(seed);
  const path = join(directory, 'log.sqlite');
  const all: Acknowledged[] = [];
  let [lost, doubled, unacknowledged] = [0, 0, 0];
  out.write(`seed ${seed}, ${rounds} rounds\n`);
  for (let round = 1; round <= rounds; round++) {
    const appender = new AppendingProcess(program, path, `round${round}`);
    const enough = FEWEST + Math.floor((MOST - FEWEST) * random());
    for (const end = Date.now() + PATIENCE_MS; appender.acknowledged.length < enough; await rest(1))
      if (Date.now() > end) throw new Error(`round ${round}: ${enough} acknowledgements did not come in a minute`);
    await appender.kill();
    all.push(...appender.acknowledged);
    const found = await compare(path, all);
    [lost, doubled, unacknowledged] = [lost + found.lost, doubled + found.doubled, found.inLog - all.length];
    const { length } = appender.acknowledged;
    out.write(
      `round ${round}: killed after ${length} acknowledgements; ${found.lost} lost, ${found.doubled} doubled\n`,
    );
  }
  const report = { rounds, acknowledged: all.length, unacknowledged, lost, doubled };
  const words = `rounds ${rounds}, acknowledged ${all.length}, landed without an acknowledgement ${unacknowledged}, lost ${lost}, doubled ${doubled}`;
  process.stdout.write(`${json ? JSON.stringify({ seed, ...report }) : words}\n`);
  return lost === 0 && doubled === 0;
}

/** What the log, opened anew, has of what was acknowledged. */
export async function compare(
  path: string,
  acknowledged: readonly Acknowledged[],
): Promise<{ readonly lost: number; readonly doubled: number; readonly inLog: number }> {
  const store = await EmbeddedEventStore.open({ path, ...ports });
  try {
    const at = new Map<string, { readonly id: string; readonly position: bigint }>();
    const ids = new Set<string>();
    const heads = new Map<string, number>();
    let [inLog, doubled, gaps] = [0, 0, 0];
    for (let after: bigint | 'start' = 'start'; ;) {
      const slice = await store.readAll({ after, limit: 10_000 });
      for (const { stream, revision, id, position } of slice.events) {
        inLog++;
        if (ids.has(id)) doubled++;
        ids.add(id);
        if (revision !== (heads.get(stream) ?? -1) + 1) gaps++;
        heads.set(stream, revision);
        at.set(`${stream}@${revision}`, { id, position });
      }
      if (slice.position === 'start' || slice.end) break;
      after = slice.position;
    }
    const missing = acknowledged.filter(({ stream, revision, id, position }) => {
      const found = at.get(`${stream}@${revision}`);
      return found?.id !== id || found.position !== position;
    });
    return { lost: missing.length + gaps, doubled, inLog };
  } finally {
    await store.close();
  }
}
