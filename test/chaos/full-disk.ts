import Database from 'better-sqlite3';

const MOST_PAGES = 4_294_967_294;

/**
 * Takes the room away from the log's own connection in this process, and gives it back: SQLite's `max_page_count`, with which an insert fails as it
 * does on a full disk (SQLITE_FULL). The product has no such switch; the connection is found as it is used.
 */
export class FullDisk {
  private connection: Database.Database | null = null;
  private full = false;
  /** Transactions that were begun since the last change, and of those the ones that were not committed. */
  refused = 0;

  constructor(path: string) {
    const found = (connection: Database.Database) => {
      if (connection.name !== path || this.connection?.open) return;
      this.connection = connection;
      this.apply();
    };
    const prototype = Database.prototype as unknown as { exec: (this: Database.Database, sql: string) => unknown };
    const { exec } = prototype;
    const count = (connection: Database.Database, change: number) => {
      if (connection === this.connection) this.refused += change;
    };
    prototype.exec = function (sql) {
      found(this);
      const result = exec.call(this, sql);
      if (sql === 'BEGIN IMMEDIATE') count(this, 1);
      if (sql === 'COMMIT') count(this, -1);
      return result;
    };
  }

  /** @returns how many transactions failed since it was set before. */
  set(full: boolean): number {
    const { refused } = this;
    this.full = full;
    this.refused = 0;
    this.apply();
    return refused;
  }

  private apply(): void {
    // Never below what is there already: SQLite then takes the present size.
    if (this.connection?.open) this.connection.pragma(`max_page_count = ${this.full ? 1 : MOST_PAGES}`);
  }
}
