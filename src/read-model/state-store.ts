import type { Database, Statement } from 'better-sqlite3';

/** Folded states of jobs by id, as text, in a database that is thrown away: where a rebuild keeps what the memory cannot hold. */
export class StateStore {
  private readonly find: Statement<[string], string>;
  private readonly upsert: Statement<[string, string, bigint]>;
  private readonly next: Statement<[string, number], { id: string; state: string; position: bigint }>;

  constructor(db: Database) {
    // Clustered by id, so that jobs that are looked up in that order lie on the same pages.
    db.exec('CREATE TABLE states (id TEXT PRIMARY KEY, state TEXT NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID');
    this.find = db.prepare<[string], string>('SELECT state FROM states WHERE id = ?').pluck() as Statement<
      [string],
      string
    >;
    this.upsert = db.prepare(
      `INSERT INTO states (id, state, position) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET state = excluded.state, position = excluded.position`,
    );
    this.next = db.prepare('SELECT id, state, position FROM states WHERE id > ? ORDER BY id LIMIT ?');
    this.next.safeIntegers(true);
  }

  get(id: string): string | null {
    return this.find.get(id) ?? null;
  }

  put(id: string, state: string, position: bigint): void {
    this.upsert.run(id, state, position);
  }

  /** At most `limit` states after `id`, by id. */
  after(
    id: string,
    limit: number,
  ): readonly { readonly id: string; readonly state: string; readonly position: bigint }[] {
    return this.next.all(id, limit);
  }
}
