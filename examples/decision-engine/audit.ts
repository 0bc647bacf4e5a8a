import { loadavg, cpus, freemem, totalmem } from 'node:os';
import { statfsSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { jobType, type JobContext } from 'holdfast';

/** What an audit looks at: load per core (1 = all busy), share of memory and disk in use (0–1), event-loop delay (ms, 99th percentile). */
export type Measure = 'load' | 'memory' | 'disk' | 'loop-delay';

/** Payload of an audit. */
export interface AuditPayload {
  readonly goal: {
    readonly measure: Measure;
    /** The goal is met while the measured value is below this. */ readonly below: number;
  };
  /** How long to observe before judging, ms; the finding is the mean of the samples. */
  readonly observeMs: number;
}

export const Audit = jobType<AuditPayload>('audit');

export interface Finding {
  readonly measure: Measure;
  readonly value: number;
  readonly below: number;
  readonly met: boolean;
  readonly samples: number;
}

const loopDelay = monitorEventLoopDelay({ resolution: 10 });
loopDelay.enable();

const SAMPLE_EVERY_MS = 100;

/** Observes this machine and judges it by the goal. Yields at once to an abort. */
export async function audit(payload: AuditPayload, context: JobContext): Promise<Finding> {
  const { measure, below } = payload.goal;
  const samples = [sample(measure)];
  for (let passed = 0; passed < payload.observeMs; passed += SAMPLE_EVERY_MS) {
    await pause(SAMPLE_EVERY_MS, context.signal);
    samples.push(sample(measure));
  }
  const value = Math.round((samples.reduce((a, b) => a + b, 0) / samples.length) * 1000) / 1000;
  return { measure, value, below, met: value < below, samples: samples.length };
}

function sample(measure: Measure): number {
  switch (measure) {
    case 'load':
      return loadavg()[0] / cpus().length;
    case 'memory':
      return 1 - freemem() / totalmem();
    case 'disk': {
      const fs = statfsSync('.');
      return 1 - fs.bavail / fs.blocks;
    }
    case 'loop-delay':
      return loopDelay.percentile(99) / 1e6;
  }
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
