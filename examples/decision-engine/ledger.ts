import { appendFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Fence } from './fence';
import type { ActionPlan } from './strategies';
import { planSummary } from './strategies/plan-text';

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
  /** What it recommended; null: it did not finish, or its window was over. */
  readonly plan: ActionPlan | null;
}

/**
 * RECOMMENDED: the newest of its audit; SUCCEEDED: the same, and there is nothing to do; CANCELLED: a newer one has taken its place.
 */
export type PlanState = 'RECOMMENDED' | 'SUCCEEDED' | 'CANCELLED';

/**
 * A resource outside Holdfast, shared by all engines: the fencing example.
 * A handler enters its token first; a token lower than the greatest seen for the job is refused, at entry and at every later write.
 */
export class Ledger {
  private readonly db: Database.Database;
  private readonly fence: Fence;

  constructor(
    path: string,
    private readonly plansPath: string | null = null,
  ) {
    this.db = new Database(path, { timeout: 2_000 });
    this.db.pragma('journal_mode = WAL');
    this.db.exec(`
      CREATE TABLE IF NOT EXISTS audit_runs (
        id INTEGER PRIMARY KEY, job TEXT NOT NULL, slot TEXT NOT NULL, attempt INTEGER NOT NULL, token INTEGER NOT NULL,
        engine TEXT NOT NULL, incarnation TEXT NOT NULL, entered_at INTEGER NOT NULL, finished_at INTEGER, plan TEXT);
    `);
    this.fence = new Fence(this.db);
  }

  /** @throws TokenRefusedError @returns the row to finish. */
  enter(entry: Entry): number {
    return this.fence.guarded(entry, () => {
      const { job, slot, attempt, token, engine, incarnation } = entry;
      const { lastInsertRowid } = this.db
        .prepare(
          'INSERT INTO audit_runs (job, slot, attempt, token, engine, incarnation, entered_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
        )
        .run(job, slot, attempt, token, engine, incarnation, Date.now());
      return Number(lastInsertRowid);
    });
  }

  /** @param plan null: the window of the audit was over. @throws TokenRefusedError */
  finish(row: number, entry: Entry, plan: ActionPlan | null): void {
    this.fence.guarded(entry, () =>
      this.db
        .prepare('UPDATE audit_runs SET finished_at = ?, plan = ? WHERE id = ?')
        .run(Date.now(), plan === null ? null : JSON.stringify(plan), row),
    );
    if (this.plansPath === null) return;
    const { job, slot, attempt, token, engine } = entry;
    const words = plan === null ? 'its window is over: nothing was looked at' : planSummary(plan);
    const by = `(slot ${slot}, attempt ${attempt}, token ${token}, by ${engine})`;
    appendFileSync(this.plansPath, `${new Date().toISOString()}  ${job}  ${words}  ${by}\n`);
  }

  /** Plans of an audit, the newest first; only that one counts. */
  plans(audit: string): readonly { readonly state: PlanState; readonly plan: ActionPlan }[] {
    const texts = this.db
      .prepare('SELECT plan FROM audit_runs WHERE job = ? AND plan IS NOT NULL ORDER BY token DESC')
      .pluck()
      .all(audit) as string[];
    return texts.map((text, at) => {
      const plan = JSON.parse(text) as ActionPlan;
      const newest = plan.actions.length === 0 ? 'SUCCEEDED' : 'RECOMMENDED';
      return { state: at === 0 ? newest : 'CANCELLED', plan };
    });
  }

  rows(): LedgerRow[] {
    const rows = this.db
      .prepare(
        'SELECT job, slot, attempt, token, engine, incarnation, entered_at, finished_at, plan FROM audit_runs ORDER BY id',
      )
      .all() as (Entry & { entered_at: number; finished_at: number | null; plan: string | null })[];
    return rows.map(({ entered_at, finished_at, plan, ...entry }) => ({
      ...entry,
      enteredAt: entered_at,
      finishedAt: finished_at,
      plan: plan === null ? null : (JSON.parse(plan) as ActionPlan),
    }));
  }

  /** Rows whose token was accepted although a greater one of the job had been accepted before: none, ever. */
  outOfOrder(): { readonly job: string; readonly token: number }[] {
    return this.db
      .prepare(
        'SELECT job, token FROM (SELECT job, token, MAX(token) OVER (PARTITION BY job ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS seen FROM audit_runs) WHERE token <= seen',
      )
      .all() as { job: string; token: number }[];
  }

  close(): void {
    this.db.close();
  }
}
