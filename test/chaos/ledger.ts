import Database from 'better-sqlite3';
import { Fence } from '../../examples/decision-engine/fence';
import { monoNow } from './diary';

/** A run, as its handler was given it. */
export interface Entry {
  readonly job: string;
  readonly slot: string;
  readonly attempt: number;
  readonly token: number;
  readonly service: string;
  readonly incarnation: string;
}

/** A handler writes when it is entered, once in its midst, and last; `late`: once more, after it was told to stop. */
export type WriteKind = 'enter' | 'effect' | 'finish' | 'late';

/** A write that the ledger accepted; `id` is the order of acceptance. */
export interface Written extends Entry {
  readonly id: number;
  readonly kind: WriteKind;
  readonly pid: number;
  /** Wall clock, ms. */
  readonly at: number;
}

export interface Refused {
  readonly job: string;
  readonly token: number;
  readonly seen: number;
  readonly engine: string;
  readonly at: number;
}

/** Between two tries while another process writes, ms. */
const REST_MS = 4;

/**
 * The resource outside Holdfast that all handlers write to: every accepted write in its order, behind the fence of the example.
 * A process that is stopped in the middle of a write keeps the others waiting; they wait without holding up their event loops.
 */
export class Ledger {
  private readonly db: Database.Database;
  private readonly fence: Fence;
  private readonly insert: Database.Statement;

  constructor(path: string) {
    this.db = new Database(path, { timeout: 0 });
    patiently(() => {
      this.db.pragma('journal_mode = WAL');
      this.db.pragma('synchronous = NORMAL');
      this.db.exec(`
        CREATE TABLE IF NOT EXISTS writes (
          id INTEGER PRIMARY KEY, kind TEXT NOT NULL, job TEXT NOT NULL, slot TEXT NOT NULL, attempt INTEGER NOT NULL,
          token INTEGER NOT NULL, service TEXT NOT NULL, incarnation TEXT NOT NULL, pid INTEGER NOT NULL, at INTEGER NOT NULL);
      `);
    });
    this.fence = patiently(() => new Fence(this.db));
    this.insert = this.db.prepare(
      'INSERT INTO writes (kind, job, slot, attempt, token, service, incarnation, pid, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /**
   * @param signal of the run: whoever is told to stop waits no longer.
   * @throws TokenRefusedError; or the reason of the abort.
   */
  async write(kind: WriteKind, entry: Entry, signal: AbortSignal): Promise<void> {
    const { job, slot, attempt, token, service, incarnation } = entry;
    for (;;) {
      try {
        this.fence.guarded({ job, token, engine: service }, () =>
          this.insert.run(kind, job, slot, attempt, token, service, incarnation, process.pid, Date.now()),
        );
        return;
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      if (signal.aborted) throw signal.reason;
    }
  }

  /** Jobs whose handlers were entered at that time (wall clock) or later. */
  enteredSince(at: number): Set<string> {
    const sql = "SELECT DISTINCT job FROM writes WHERE kind = 'enter' AND at >= ?";
    return new Set(this.db.prepare(sql).pluck().all(at) as string[]);
  }

  written(): Written[] {
    return this.db.prepare('SELECT * FROM writes ORDER BY id').all() as Written[];
  }

  refused(): Refused[] {
    return this.db.prepare('SELECT * FROM refusals ORDER BY at').all() as Refused[];
  }

  close(): void {
    this.db.close();
  }
}

function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(String((error as { code?: unknown }).code));
}

/** At the start of a process, before it serves anybody: it may wait as it likes. */
function patiently<T>(run: () => T): T {
  const until = monoNow() + 30_000;
  for (;;) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || monoNow() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REST_MS);
    }
  }
}
