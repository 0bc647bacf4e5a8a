import { appendFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { Finding } from './audit';
import { Fence } from './fence';

/** Who writes: what Holdfast gave the handler. */
export interface Entry {
  readonly job: string;
  readonly slot: string;
  readonly attempt: number;
  readonly token: number;
  readonly engine: string;
  readonly incarnation: string;
}

export interface LedgerRow extends Entry {
  readonly enteredAt: number;
  /** null: the handler entered and never finished. */
  readonly finishedAt: number | null;
  readonly finding: Finding | null;
}

/**
 * A resource outside Holdfast, shared by all engines: the fencing example.
 * A handler enters its token first; a token lower than the greatest seen for the job is refused, at entry and at every later write.
 */
export class Ledger {
  private readonly db: Database.Database;
  private readonly fence: Fence;

  constructor(
    path: string,
    private readonly findingsPath: string | null = null,
  ) {
    this.db = new Database(path, { timeout: 2_000 });
    this.db.pragma('journal_mode = WAL');
    this.db.exec(`
      CREATE TABLE IF NOT EXISTS runs (
        id INTEGER PRIMARY KEY, job TEXT NOT NULL, slot TEXT NOT NULL, attempt INTEGER NOT NULL, token INTEGER NOT NULL,
        engine TEXT NOT NULL, incarnation TEXT NOT NULL, entered_at INTEGER NOT NULL, finished_at INTEGER, finding TEXT);
    `);
    this.fence = new Fence(this.db);
  }

  /** @throws TokenRefusedError @returns the row to finish. */
  enter(entry: Entry): number {
    return this.fence.guarded(entry, () => {
      const { job, slot, attempt, token, engine, incarnation } = entry;
      const { lastInsertRowid } = this.db
        .prepare(
          'INSERT INTO runs (job, slot, attempt, token, engine, incarnation, entered_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(job, slot, attempt, token, engine, incarnation, Date.now());
      return Number(lastInsertRowid);
    });
  }

  /** @throws TokenRefusedError */
  finish(row: number, entry: Entry, finding: Finding): void {
    this.fence.guarded(entry, () =>
      this.db
        .prepare('UPDATE runs SET finished_at = ?, finding = ? WHERE id = ?')
        .run(Date.now(), JSON.stringify(finding), row),
    );
    if (this.findingsPath) {
      const { job, slot, attempt, token, engine } = entry;
      const words = `${finding.measure} ${finding.value} ${finding.met ? '<' : '>='} ${finding.below}: goal ${finding.met ? 'met' : 'MISSED'}`;
      appendFileSync(
        this.findingsPath,
        `${new Date().toISOString()}  ${job}  ${words}  (slot ${slot}, attempt ${attempt}, token ${token}, by ${engine})\n`,
      );
    }
  }

  rows(): LedgerRow[] {
    const rows = this.db
      .prepare(
        'SELECT job, slot, attempt, token, engine, incarnation, entered_at, finished_at, finding FROM runs ORDER BY id',
      )
      .all() as (Entry & { entered_at: number; finished_at: number | null; finding: string | null })[];
    return rows.map(({ entered_at, finished_at, finding, ...entry }) => ({
      ...entry,
      enteredAt: entered_at,
      finishedAt: finished_at,
      finding: finding === null ? null : (JSON.parse(finding) as Finding),
    }));
  }

  /** Rows whose token was accepted although a greater one of the job had been accepted before: none, ever. */
  outOfOrder(): { readonly job: string; readonly token: number }[] {
    return this.db
      .prepare(
        'SELECT job, token FROM (SELECT job, token, MAX(token) OVER (PARTITION BY job ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS seen FROM runs) WHERE token <= seen',
      )
      .all() as { job: string; token: number }[];
  }

  close(): void {
    this.db.close();
  }
}
