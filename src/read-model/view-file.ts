import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, truncateSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import { StoreUnusableError, type LogIdentity, type LogPosition } from '../event-store';
import type { Driver } from './driver';
import { ViewLockedError } from './errors';
import { VIEW_APPLICATION_ID, VIEW_DDL, VIEW_SCHEMA_VERSION } from './schema';

export const MEMORY = ':memory:';

/** Whose events a view holds, and up to where. */
export interface Checkpoint {
  readonly position: LogPosition;
  /** Newest event that was applied; null: none. Technical events vanish from the log, these do not. */
  readonly newest: { readonly position: bigint; readonly id: string } | null;
}

/** What a view is made from; one made from something else is of no use. */
export interface ViewSource {
  readonly namespace: string;
  readonly log: LogIdentity;
  readonly knownEvents: string;
}

/** A view that is being built beside the one in use, and a database for what is needed until it is finished. */
export interface Aside {
  readonly view: Database;
  readonly scratch: Database;
}

/** States of jobs are about as large as an ordinary page: several fit into one of these. */
const SCRATCH_PAGE_BYTES = 16_384;

interface ViewRow {
  readonly namespace: string;
  readonly log_id: string;
  readonly generation: number;
  readonly known_events: string;
  readonly position: string | null;
  readonly event_position: string | null;
  readonly event_id: string | null;
}

/** One view's SQLite file, held by one process. Disposable: everything in it comes from the log. */
export class ViewFile {
  private database: Database | null = null;
  private lock: Database | null = null;
  private constructor(
    readonly path: string,
    private readonly driver: Driver,
  ) {}

  /**
   * Takes the file for this process.
   * @throws ViewLockedError when another one has it; StoreUnusableError when it cannot be a view's file at all.
   */
  static open(path: string, driver: Driver): ViewFile {
    const file = new ViewFile(path, driver);
    if (path !== MEMORY) file.take();
    return file;
  }

  get db(): Database {
    if (this.database === null) throw new Error('The view has no database yet.');
    return this.database;
  }

  /**
   * Opens what is there.
   * @returns why it must be built anew; null: it can be used, as far as the file alone tells.
   */
  attach(): string | null {
    if (this.path === MEMORY) return 'it is kept in memory';
    try {
      const db = (this.database ??= this.openDatabase(this.path));
      const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
      const application = db.pragma('application_id', { simple: true }) as number;
      if (tables === 0 && application === 0) return 'there was none';
      if (application !== VIEW_APPLICATION_ID) throw this.foreign();
      const version = db.pragma('user_version', { simple: true }) as number;
      if (version !== VIEW_SCHEMA_VERSION) {
        return `its schema version is ${version}, this release writes ${VIEW_SCHEMA_VERSION}`;
      }
      prepare(db);
      if (existsSync(this.aside)) return 'its rebuild was never finished';
      return this.readRow() === null ? 'it was never finished' : null;
    } catch (error) {
      // A table or column that is missing: somebody else's hand.
      if ((error as { code?: unknown }).code === 'SQLITE_ERROR')
        return `its tables are not those of a view (${(error as Error).message})`;
      if (!isDamage(error)) throw error;
      return `it is damaged (${(error as Error).message})`;
    }
  }

  /** Why a view that can be read is not one of this source; null: it is. */
  mismatch(source: ViewSource): string | null {
    const row = this.readRow();
    if (row === null) return 'it was never finished';
    if (row.namespace !== source.namespace) return `it is of namespace "${row.namespace}"`;
    if (row.log_id !== source.log.id) return 'it is of another log';
    if (row.generation !== source.log.generation) {
      return `the log is of generation ${source.log.generation}, the view of ${row.generation}`;
    }
    if (row.known_events !== source.knownEvents && this.hasUnreadable()) {
      return 'it holds unreadable events, and this release reads others than the one that wrote it';
    }
    return null;
  }

  /** Throws away what there is and begins an empty view. A file that was damaged is kept beside it, as `<path>.damaged`. */
  rebuild(source: ViewSource, keepDamaged: boolean): void {
    this.detach();
    if (this.path !== MEMORY) {
      for (const suffix of ['', '-wal', '-shm']) {
        if (keepDamaged && suffix === '') rename(this.path, `${this.path}.damaged`);
        else rmSync(this.path + suffix, { force: true });
      }
      create(this.path);
      this.removeAside();
    }
    const db = (this.database = this.openDatabase(this.path));
    prepare(db);
    makeTables(db, source);
  }

  /**
   * An empty view beside this one, which goes on answering until `adopt` puts the other in its place. Nothing of it is on the disk for certain
   * before that; while its file lies there, an end of the process is found out at the next opening.
   */
  beginAside(source: ViewSource): Aside {
    const inMemory = this.path === MEMORY;
    if (!inMemory) this.removeAside();
    const openNew = (path: string) => {
      if (!inMemory) create(path);
      return this.openDatabase(inMemory ? MEMORY : path);
    };
    const view = openNew(this.aside);
    prepareUnsafe(view);
    view.pragma('foreign_keys = ON');
    makeTables(view, source);
    const scratch = openNew(`${this.aside}-states`);
    scratch.pragma(`page_size = ${SCRATCH_PAGE_BYTES}`);
    prepareUnsafe(scratch);
    return { view, scratch };
  }

  /** From now on the view that was built beside this one is this one. The statements on the old one are of no use any more. */
  async adopt({ view, scratch }: Aside): Promise<void> {
    scratch.close();
    if (this.path === MEMORY) {
      this.detach();
      this.database = view;
      prepare(view);
      return;
    }
    // To let go of a large file takes a while.
    await rm(`${this.aside}-states`, { force: true });
    view.close();
    const written = await open(this.aside, 'r+');
    await written.sync().finally(() => written.close());
    this.detach();
    for (const suffix of ['-wal', '-shm']) rmSync(this.path + suffix, { force: true });
    renameSync(this.aside, this.path);
    this.database = this.openDatabase(this.path);
    prepare(this.database);
  }

  /** The view beside this one is given up. A trace stays, so that the next opening begins again. */
  async abandon({ view, scratch }: Aside): Promise<void> {
    view.close();
    scratch.close();
    if (this.path === MEMORY) return;
    await rm(`${this.aside}-states`, { force: true });
    if (existsSync(this.aside)) truncateSync(this.aside);
  }

  /** From now on the view is one that this release wrote. */
  claim(source: ViewSource): void {
    this.db.prepare('UPDATE view SET known_events = ?').run(source.knownEvents);
  }

  checkpoint(): Checkpoint {
    const row = this.readRow();
    return {
      position: row?.position == null ? 'start' : BigInt(row.position),
      newest:
        row?.event_position == null || row.event_id === null
          ? null
          : { position: BigInt(row.event_position), id: row.event_id },
    };
  }

  close(): void {
    this.detach();
    if (this.lock?.inTransaction) this.lock.exec('ROLLBACK');
    this.lock?.close();
    this.lock = null;
  }

  private get aside(): string {
    return `${this.path}.rebuild`;
  }

  private removeAside(): void {
    for (const suffix of ['', '-journal', '-states', '-states-journal']) rmSync(this.aside + suffix, { force: true });
  }

  private detach(): void {
    this.database?.close();
    this.database = null;
  }

  private readRow(): ViewRow | null {
    const row = this.db
      .prepare(
        `SELECT namespace, log_id, generation, known_events, CAST(position AS TEXT) AS position,
                CAST(event_position AS TEXT) AS event_position, event_id FROM view`,
      )
      .get();
    return (row as ViewRow | undefined) ?? null;
  }

  private hasUnreadable(): boolean {
    const found = this.db
      .prepare(
        `SELECT EXISTS (SELECT 1 FROM jobs WHERE status = 'opaque') OR EXISTS (SELECT 1 FROM services WHERE unreadable IS NOT NULL)`,
      )
      .pluck()
      .get();
    return found === 1;
  }

  private take(): void {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      create(`${this.path}.lock`);
      create(this.path);
    } catch (error) {
      throw new StoreUnusableError(
        'path',
        `The view's file ${this.path} cannot be written (${(error as Error).message}).`,
        'Choose a state directory that this process may write to.',
        { cause: error },
      );
    }
    // The lock of a second database lasts exactly as long as this process; the view itself stays readable for others.
    const lock = this.openDatabase(`${this.path}.lock`);
    try {
      lock.exec('BEGIN EXCLUSIVE');
    } catch (error) {
      lock.close();
      if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY'))
        throw new ViewLockedError(this.path, { cause: error });
      throw error;
    }
    this.lock = lock;
  }

  private openDatabase(path: string): Database {
    // Nobody else writes it: there is nothing to wait for.
    return new this.driver(path, { timeout: 0 });
  }

  private foreign(): StoreUnusableError {
    return new StoreUnusableError(
      'foreign',
      `The file ${this.path} is a database, but not a view of Holdfast; it was left as it is.`,
      'Choose another state directory, or move that file away.',
    );
  }
}

/** SQLite found something in the file that cannot be: the view is built anew. */
export function isDamage(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB');
}

function prepare(db: Database): void {
  db.pragma('journal_mode = WAL');
  // What a power cut takes is projected again; what it leaves is consistent.
  db.pragma('synchronous = NORMAL');
  db.pragma('foreign_keys = ON');
  db.pragma('cache_size = -32768');
  db.pragma('wal_autocheckpoint = 4000');
}

function makeTables(db: Database, source: ViewSource): void {
  db.transaction(() => {
    db.exec(VIEW_DDL);
    db.pragma(`application_id = ${VIEW_APPLICATION_ID}`);
    db.pragma(`user_version = ${VIEW_SCHEMA_VERSION}`);
    db.prepare('INSERT INTO view (only_row, namespace, log_id, generation, known_events) VALUES (1, ?, ?, ?, ?)').run(
      source.namespace,
      source.log.id,
      source.log.generation,
      source.knownEvents,
    );
  })();
}

/** For a file that nobody relies on yet: what is wrong with it after a crash does not matter. */
function prepareUnsafe(db: Database): void {
  db.pragma('journal_mode = MEMORY');
  db.pragma('synchronous = OFF');
  db.pragma('locking_mode = EXCLUSIVE');
  db.pragma('cache_size = -32768');
}

/** An empty file for its owner alone. One that is there is not opened: closing it would let go of this process's locks on it. */
function create(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    chmodSync(path, 0o600);
  }
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
