import { cpus, freemem, loadavg, totalmem } from 'node:os';
import type { Host } from './cluster';

/** This machine's own figures, a mean of what was sampled. */
export interface MachineFigures {
  readonly cpus: number;
  readonly memoryMiB: number;
  /** Cores in use, by the load of the last minute: never more than there are. */
  readonly cpusInUse: number;
  readonly memoryInUseMiB: number;
  readonly samples: number;
}

const SAMPLE_EVERY_MS = 100;
const MIB = 2 ** 20;

/** Observes this machine for `ms`, and at least once. Yields at once to an abort, whose reason it rejects with. */
export async function observeMachine(ms: number, signal: AbortSignal): Promise<MachineFigures> {
  const inUse = () => Math.min(loadavg()[0], cpus().length);
  const load = [inUse()];
  const used = [totalmem() - freemem()];
  for (let passed = 0; passed < ms; passed += SAMPLE_EVERY_MS) {
    await pause(SAMPLE_EVERY_MS, signal);
    load.push(inUse());
    used.push(totalmem() - freemem());
  }
  return {
    cpus: cpus().length,
    memoryMiB: Math.round(totalmem() / MIB),
    cpusInUse: Math.round(mean(load) * 100) / 100,
    memoryInUseMiB: Math.round(mean(used) / MIB),
    samples: load.length,
  };
}

/** This machine as a host of the cluster: it runs whatever it runs, and cannot be switched off. */
export function machineAsHost(figures: MachineFigures, name = 'this-machine'): Host {
  const { cpus, memoryMiB, cpusInUse, memoryInUseMiB } = figures;
  return { name, zone: 'here', cpus, memoryMiB, own: { cpus: cpusInUse, memoryMiB: memoryInUseMiB }, keep: true };
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const timer = setTimeout(done, ms);
    function done() {
      signal.removeEventListener('abort', stop);
      resolve();
    }
    function stop() {
      clearTimeout(timer);
      reject(signal.reason as Error);
    }
    signal.addEventListener('abort', stop, { once: true });
  });
}
