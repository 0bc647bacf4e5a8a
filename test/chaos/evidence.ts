import { join } from 'node:path';
import {
  decode,
  EmbeddedEventStore,
  SystemClock,
  SystemRandom,
  verifyLog,
  type HoldfastEvent,
  type LivenessOptions,
} from 'holdfast';
import { readDiaries, type Line } from './diary';
import { Ledger, type Refused, type Written } from './ledger';
import type { Kind } from './plan';

/** A fault as it was made. Wall clock and monotonic clock, ms. */
export interface Fault {
  readonly kind: Kind;
  readonly at: number;
  readonly atMono: number;
  /** When it was over; of a process that was killed: when it was. */
  readonly until: number;
  readonly untilMono: number;
  /** Whom it met. Of a twin that was killed itself: that twin, which owned nothing. */
  readonly pids: readonly number[];
  readonly serviceId: string;
  /** It was in the middle of a commit to the log, or of a write to the ledger: whoever is stopped there keeps all others from writing. */
  readonly inCommit: boolean;
  readonly inLedger: boolean;
  /** The process is no more. */
  readonly dead: boolean;
  /** A twin: that two bear one id was found out. */
  readonly foundOut: boolean;
}

export interface JobPlan {
  readonly id: string;
  readonly everyMs: number;
  /** How long a run lasts. */
  readonly ms: number;
}

export interface LogEntry {
  readonly stream: string;
  readonly revision: number;
  readonly created: number;
  readonly event: HoldfastEvent;
}

/** All that is known after a run. */
export interface Evidence {
  readonly entries: readonly LogEntry[];
  readonly generation: number;
  /** What `verify` has to say, a sentence each. */
  readonly unsound: readonly string[];
  readonly written: readonly Written[];
  readonly refused: readonly Refused[];
  readonly lines: readonly Line[];
  readonly faults: readonly Fault[];
  readonly jobs: readonly JobPlan[];
  /** The conductor's own observations that are wrong in themselves: whoever did not end, or never ran again. */
  readonly seen: readonly string[];
  /** When all were asked to end, wall clock, ms. What is given up from then on needs no new owner. */
  readonly endingAt: number;
  readonly settings: {
    readonly minutes: number;
    readonly services: number;
    readonly liveness: LivenessOptions;
    readonly drainTimeoutMs: number;
  };
}

/** Reads the log, the ledger and the diaries of a run that is over. */
export async function readEvidence(
  { directory, logDirectory }: { readonly directory: string; readonly logDirectory: string },
  known: Pick<Evidence, 'faults' | 'jobs' | 'seen' | 'settings' | 'endingAt'>,
): Promise<Evidence> {
  const ports = { clock: new SystemClock(), random: new SystemRandom(), readOnly: true };
  const store = await EmbeddedEventStore.open({ path: join(logDirectory, 'log.sqlite'), ...ports });
  const ledger = new Ledger(join(directory, 'ledger.sqlite'));
  try {
    const entries: LogEntry[] = [];
    for (let after: bigint | 'start' = 'start'; ;) {
      const slice = await store.readAll({ after, categories: ['job', 'service'], limit: 5_000 });
      for (const { type, data, metadata, stream, revision, created } of slice.events) {
        const event = decode(type, data, metadata);
        if (event.type !== '$unreadable') entries.push({ stream, revision, created, event: event as HoldfastEvent });
      }
      if (slice.position === 'start' || slice.end) break;
      after = slice.position;
    }
    const { violations, unreadable } = await verifyLog(store);
    const unsound = [
      ...violations.map((v) => `${v.stream} revision ${v.revision}: ${v.invariant}: ${v.words}`),
      ...unreadable.map((u) => `${u.stream} revision ${u.revision}: cannot be read: ${u.why}`),
    ];
    return {
      ...known,
      entries,
      generation: (await store.identity()).generation,
      unsound,
      written: ledger.written(),
      refused: ledger.refused(),
      lines: readDiaries(directory),
    };
  } finally {
    ledger.close();
    await store.close();
  }
}

export function jobOf({ stream }: LogEntry): string | null {
  return stream.startsWith('job-') ? stream.slice('job-'.length) : null;
}
