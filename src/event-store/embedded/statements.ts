import type { Instant } from '../../clock';
import {
  categoryOf,
  type AllSlice,
  type LogIdentity,
  type LogPosition,
  type NewEvent,
  type ReadStreamOptions,
  type RecordedEvent,
  type StreamSlice,
} from '../port';
import type { Connection, Statement } from './driver';
import type { ClockState } from './log-clock';

const COLUMNS = 'position, stream, revision, id, type, created, data, metadata';
type Row = [number, string, number, string, string, number, string, string];
const LARGEST = 2n ** 63n - 1n;
/** Most events that one append, or one call, drops of a stream. */
const TRIM_AT_ONCE = 2_000;
/** A stream is trimmed when its revision crosses a multiple of this: dropping one by one would double the cost of every append. */
const TRIM_EVERY = 64;
/** Up to so many categories are read by their index. */
const MERGED_CATEGORIES = 16;

/** The SQL of the log. All of it is synchronous; none opens a transaction that outlives the call but for the caller's own. */
export class Statements {
  private readonly prepared = new Map<string, Statement>();

  constructor(private readonly db: Connection) {}

  /** Changes when another connection has committed. */
  dataVersion(): number {
    return this.one('PRAGMA data_version') as number;
  }

  headOf(stream: string): number | 'no_stream' {
    const sql = 'SELECT revision FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1';
    return (this.one(sql, stream) as number | undefined) ?? 'no_stream';
  }

  newest(): { readonly position: number; readonly created: Instant } | null {
    const sql = 'SELECT position, created FROM events ORDER BY position DESC LIMIT 1';
    const row = this.statement(sql, 'raw').get() as [number, number] | undefined;
    return row ? { position: row[0], created: row[1] } : null;
  }

  head(): LogPosition {
    const newest = this.newest();
    return newest === null ? 'start' : BigInt(newest.position);
  }

  /** Ids and positions of a stream's events after a revision. */
  written(stream: string, after: number, count: number): readonly (readonly [id: string, position: number])[] {
    const sql = 'SELECT id, position FROM events WHERE stream = ? AND revision > ? AND revision <= ? ORDER BY revision';
    return this.statement(sql, 'raw').all(stream, after, after + count) as [string, number][];
  }

  /** Returns them as the log has them. */
  insert(stream: string, after: number, events: readonly NewEvent[], created: Instant): readonly RecordedEvent[] {
    const sql =
      'INSERT INTO events (stream, revision, category, id, type, created, data, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?)';
    const insert = this.statement(sql, 'run');
    const category = categoryOf(stream);
    let revision = after;
    const inserted: RecordedEvent[] = [];
    for (const { id, type, data, metadata } of events) {
      const { lastInsertRowid } = insert.run(stream, ++revision, category, id, type, created, data, metadata);
      inserted.push({ position: BigInt(lastInsertRowid), stream, revision, id, type, created, data, metadata });
    }
    if (Math.floor(revision / TRIM_EVERY) !== Math.floor(after / TRIM_EVERY)) this.trim(stream, revision);
    return inserted;
  }

  /** @param since what was written before may vanish, but for the newest event; null: nothing more. */
  keepLast(stream: string, count: number, since: Instant | null): void {
    const sql =
      'INSERT INTO retention (stream, keep) VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET keep = excluded.keep';
    this.statement(sql, 'run').run(stream, count);
    const head = this.headOf(stream);
    if (head === 'no_stream') return;
    this.trim(stream, head);
    if (since === null) return;
    const younger = 'SELECT revision FROM events WHERE stream = ? AND created >= ? ORDER BY revision LIMIT 1';
    const first = (this.statement(younger, 'pluck').get(stream, since) as number | undefined) ?? head;
    this.drop(stream, Math.min(first, head) - 1);
  }

  private trim(stream: string, head: number): void {
    const keep = this.one('SELECT keep FROM retention WHERE stream = ?', stream) as number | undefined;
    if (keep === undefined || head < keep) return;
    this.drop(stream, head - keep);
  }

  private drop(stream: string, upTo: number): void {
    const sql = 'DELETE FROM events WHERE stream = ? AND revision <= ? ORDER BY revision LIMIT ?';
    this.statement(sql, 'run').run(stream, upTo, TRIM_AT_ONCE);
  }

  readStream(stream: string, { direction, from, limit }: ReadStreamOptions): StreamSlice {
    return this.snapshot(() => {
      const head = this.headOf(stream);
      if (head === 'no_stream') return { events: [], head };
      const [sign, order] = direction === 'forwards' ? ['>=', 'ASC'] : ['<=', 'DESC'];
      const sql = `SELECT ${COLUMNS} FROM events WHERE stream = ? AND revision ${sign} ? ORDER BY revision ${order} LIMIT ?`;
      const rows = this.statement(sql, 'raw').all(stream, from ?? (direction === 'forwards' ? 0 : head), limit);
      return { events: Array.from(rows as Row[], recorded), head };
    });
  }

  readAll(after: LogPosition, categories: readonly string[] | undefined, limit: number): AllSlice {
    return this.snapshot(() => {
      const head = this.head();
      if (head === 'start' || (after !== 'start' && after >= head)) return { events: [], position: after, end: true };
      const wanted = categories && [...new Set(categories)];
      if (wanted?.length === 0) return { events: [], position: head, end: true };
      const start = after === 'start' ? 0n : after > LARGEST ? LARGEST : after;
      const rows = this.rowsAfter(start, wanted, limit);
      const events = Array.from(rows, recorded);
      const full = events.length === limit;
      const position = full ? events[limit - 1].position : head;
      return { events, position, end: position >= head };
    });
  }

  private rowsAfter(start: bigint, wanted: readonly string[] | undefined, limit: number): Row[] {
    const select = `SELECT ${COLUMNS} FROM events WHERE`;
    const order = 'ORDER BY position LIMIT ?';
    if (wanted === undefined)
      return this.statement(`${select} position > ? ${order}`, 'raw').all(start, limit) as Row[];
    if (wanted.length > MERGED_CATEGORIES) {
      const sql = `${select} position > ? AND +category IN (SELECT value FROM json_each(?)) ${order}`;
      return this.statement(sql, 'raw').all(start, JSON.stringify(wanted), limit) as Row[];
    }
    // One ordered walk per category, merged by SQLite as it goes: `IN` alone would sort everything after the position first.
    const part = `${select} category = ? AND position > ?`;
    const sql = `${wanted.map(() => part).join(' UNION ALL ')} ${order}`;
    return this.statement(sql, 'raw').all(...wanted.flatMap((category) => [category, start]), limit) as Row[];
  }

  readAt(position: bigint): RecordedEvent | null {
    if (position < 1n || position > LARGEST) return null;
    const sql = `SELECT ${COLUMNS} FROM events WHERE position = ?`;
    const row = this.statement(sql, 'raw').get(position) as Row | undefined;
    return row ? recorded(row) : null;
  }

  identity(): LogIdentity {
    const [id, generation] = this.statement('SELECT id, generation FROM log', 'raw').get() as [string, number];
    return { id, generation };
  }

  raiseGeneration(): void {
    this.statement('UPDATE log SET generation = generation + 1', 'run').run();
  }

  clockState(): ClockState | null {
    const sql = 'SELECT boot_id, clock_offset, differs_since FROM log';
    const [bootId, offset, differsSince] = this.statement(sql, 'raw').get() as [string | null, number, number | null];
    return bootId === null ? null : { bootId, offset, differsSince };
  }

  keepClockState({ bootId, offset, differsSince }: ClockState): void {
    const sql = 'UPDATE log SET boot_id = ?, clock_offset = ?, differs_since = ?';
    this.statement(sql, 'run').run(bootId, offset, differsSince);
  }

  private snapshot<T>(read: () => T): T {
    if (this.db.inTransaction) return read();
    this.statement('BEGIN', 'run').run();
    try {
      return read();
    } finally {
      if (this.db.inTransaction) this.statement('COMMIT', 'run').run();
    }
  }

  private one(sql: string, ...parameters: unknown[]): unknown {
    return this.statement(sql, 'pluck').get(...parameters);
  }

  private statement(sql: string, kind: 'run' | 'raw' | 'pluck'): Statement {
    const known = this.prepared.get(sql);
    if (known) return known;
    const made = this.db.prepare(sql) as Statement;
    if (kind === 'raw') made.raw(true);
    if (kind === 'pluck') made.pluck(true);
    this.prepared.set(sql, made);
    return made;
  }
}

function recorded([position, stream, revision, id, type, created, data, metadata]: Row): RecordedEvent {
  return { position: BigInt(position), stream, revision, id, type, created, data, metadata };
}
