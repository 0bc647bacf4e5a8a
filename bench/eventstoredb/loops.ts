import type { Appended, CaughtUp } from './side';

/** What both sides do in the same way. Imports nothing, as the raw side imports nothing but the client. */

/** Loops that append until the time is over or so many have been appended. */
export async function appendInLoops(
  { inFlight, ms = Infinity, count = Infinity }: { inFlight: number; ms?: number; count?: number },
  pair: (stream: number) => readonly [() => Promise<void>, () => Promise<void>],
): Promise<Pick<Appended, 'perSecond' | 'tookMs' | 'micros'>> {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  let [begin, appends] = [0, 0];
  const goesOn = () => begin < count && performance.now() - begun < ms;
  const one = async () => {
    while (goesOn()) {
      for (const append of pair(streams++)) {
        if (begin++ >= count) return;
        await append();
        appends++;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  const tookMs = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (appends / tookMs) * 1_000, tookMs, micros: (user + system) / appends };
}

let streams = 0;

/** Between two samples of the latency, so that nothing waits for the last one. */
export const restBetween = () => new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 10));

/** Of so many events, from now. */
export function stopwatch(events: number): () => CaughtUp {
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    return { perSecond: (events / (performance.now() - begun)) * 1_000, micros: (user + system) / events };
  };
}
