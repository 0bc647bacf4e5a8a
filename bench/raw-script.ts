import Database from 'better-sqlite3';

/**
 * What the file alone gives: a process of its own that imports nothing but the driver, and appends as the embedded log does. The same file settings,
 * schema and row; one transaction per group; the head of the stream is compared before each insert, because an append says which revision it expects.
 * Nothing is encoded, hashed, awaited or told to anybody.
 *
 * Started by `raw.ts`: file, group size, seconds. Answers over IPC with appends per second.
 */
const [, , path, group, seconds] = process.argv;
const GROUP_SIZE = Number(group);

/** As long as the events of a run: a `JobRunStarted`, then its `JobRunSucceeded`. */
const DATA = ['s'.repeat(209), 'o'.repeat(144)];
const TYPES = ['JobRunStarted', 'JobRunSucceeded'];
const METADATA = 'm'.repeat(129);
const WARM_UP_MS = 200;

const db = new Database(path, { timeout: 0 });
db.exec(`
CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  stream   TEXT    NOT NULL,
  revision INTEGER NOT NULL,
  category TEXT    NOT NULL,
  id       TEXT    NOT NULL,
  type     TEXT    NOT NULL,
  created  INTEGER NOT NULL,
  data     TEXT    NOT NULL,
  metadata TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_of_stream ON events (stream, revision);
CREATE INDEX events_of_category ON events (category, position);
`);
db.pragma('journal_mode = WAL');
// After the journal mode: this build takes WAL to mean NORMAL.
db.pragma('synchronous = FULL');
db.pragma('journal_size_limit = 67108864');
db.pragma('trusted_schema = OFF');
if (db.pragma('synchronous', { simple: true }) !== 2) throw new Error('SQLite does not sync fully here.');

const begin = db.prepare('BEGIN IMMEDIATE');
const commit = db.prepare('COMMIT');
const head = db.prepare('SELECT revision FROM events WHERE stream = ? ORDER BY revision DESC LIMIT 1').pluck();
const insert = db.prepare(
  'INSERT INTO events (stream, revision, category, id, type, created, data, metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
);

/** Both appends of `GROUP_SIZE` new jobs: one group of starts, one of outcomes. */
function pairs(firstJob: number): void {
  for (const revision of [0, 1]) {
    begin.run();
    for (let n = 0; n < GROUP_SIZE; n++) {
      // As long as the ids of jobs and events, and in order like UUIDv7.
      const job = `job-${String(firstJob + n).padStart(36, '0')}`;
      const found = head.get(job) as number | undefined;
      if ((found ?? -1) !== revision - 1) throw new Error(`${job} is at revision ${found}`);
      const id = `${revision}${String(firstJob + n).padStart(35, '0')}`;
      insert.run(job, revision, 'job', id, TYPES[revision], Date.now(), DATA[revision], METADATA);
    }
    commit.run();
  }
}

function appendFor(ms: number, firstJob: number): { readonly appends: number; readonly took: number } {
  const begun = performance.now();
  let job = firstJob;
  do {
    pairs(job);
    job += GROUP_SIZE;
  } while (performance.now() - begun < ms);
  return { appends: 2 * (job - firstJob), took: performance.now() - begun };
}

const warm = appendFor(WARM_UP_MS, 0);
const { appends, took } = appendFor(Number(seconds) * 1_000, warm.appends);
db.close();
process.send?.({ appendsPerSecond: (appends / took) * 1_000 }, () => process.disconnect());
