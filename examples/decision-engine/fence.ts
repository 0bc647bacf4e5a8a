import type Database from 'better-sqlite3';

/** Who comes with which token. */
export interface Bearer {
  readonly job: string;
  readonly token: number;
  readonly engine: string;
}

/** The resource has seen a greater token of this job: whoever comes with this one has been replaced. */
export class TokenRefusedError extends Error {
  override readonly name = 'TokenRefusedError';
}

/**
 * What a resource outside Holdfast does with fencing tokens: it keeps the greatest that it has seen of each job, and refuses a lower one.
 * The look at the token and the write that it guards are one transaction, or two bearers could pass each other in between.
 */
export class Fence {
  constructor(private readonly db: Database.Database) {
    db.exec(`
      CREATE TABLE IF NOT EXISTS tokens (job TEXT PRIMARY KEY, token INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS refusals (job TEXT NOT NULL, token INTEGER NOT NULL, seen INTEGER NOT NULL, engine TEXT NOT NULL, at INTEGER NOT NULL);
    `);
  }

  /** Writes, unless a greater token of the job was seen before. @throws TokenRefusedError */
  guarded<T>(bearer: Bearer, write: () => T): T {
    const { job, token, engine } = bearer;
    const transaction = this.db.transaction((): { readonly written: T } | { readonly seen: number } => {
      const seen = this.db.prepare('SELECT token FROM tokens WHERE job = ?').pluck().get(job) as number | undefined;
      if (seen !== undefined && seen > token) {
        this.db
          .prepare('INSERT INTO refusals (job, token, seen, engine, at) VALUES (?, ?, ?, ?, ?)')
          .run(job, token, seen, engine, Date.now());
        return { seen };
      }
      this.db
        .prepare('INSERT INTO tokens (job, token) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET token = excluded.token')
        .run(job, token);
      return { written: write() };
    });
    const result = transaction.immediate();
    if ('written' in result) return result.written;
    throw new TokenRefusedError(`${job}: token ${token} is lower than ${result.seen}, which was seen already.`);
  }
}
