/** Raised with every change of the tables, of what a column means, or of how events are folded: a file of another version is dropped and rebuilt. */
export const VIEW_SCHEMA_VERSION = 7;

/** `PRAGMA application_id` of a view's file: "HFvw". A file that bears another one is not ours, and is never touched. */
export const VIEW_APPLICATION_ID = 0x48467677;

/**
 * The tables of the view, as they are in the file. Anyone may read them (`docs/read-model.md`); only the projector of the one process
 * that holds the file writes them. Instants are milliseconds since the epoch, JSON columns hold text.
 */
export const VIEW_DDL = `
CREATE TABLE view (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  namespace TEXT NOT NULL,
  log_id TEXT NOT NULL,            -- identity and generation of the log that was projected
  generation INTEGER NOT NULL,
  known_events TEXT NOT NULL,      -- what the writer could read; a release that can read more rebuilds a view with unreadable events
  position INTEGER,                -- the checkpoint: every event up to here is applied; NULL before the first
  event_position INTEGER,          -- newest event that was applied, to recognise the log by
  event_id TEXT
) STRICT;

CREATE TABLE services (
  id TEXT PRIMARY KEY NOT NULL,
  life TEXT NOT NULL,              -- of the newest incarnation: live, draining, failed, stopped; unknown: no registration was read
  incarnation TEXT,                -- the newest one
  labels TEXT NOT NULL,            -- JSON object, of the newest incarnation
  ended_at INTEGER,                -- when the newest incarnation failed or stopped
  revision INTEGER NOT NULL,       -- -1: only jobs speak of it
  position INTEGER NOT NULL,
  commands TEXT NOT NULL,          -- JSON array: callers' command ids that are known
  unreadable TEXT                  -- JSON object {revision, type, why}, when an event could not be read
) STRICT;
CREATE INDEX services_by_life ON services (life, id);

CREATE TABLE incarnations (
  service_id TEXT NOT NULL REFERENCES services (id),
  id TEXT NOT NULL,
  ordinal INTEGER NOT NULL,        -- order of registration
  life TEXT NOT NULL,
  state TEXT NOT NULL,             -- JSON of the whole incarnation
  PRIMARY KEY (service_id, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX incarnations_by_id ON incarnations (service_id, id);

CREATE TABLE jobs (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  next_run_time INTEGER,           -- NULL: nothing is pending (or paused, held, ended, or as many runs are open as may be)
  job_state TEXT NOT NULL,         -- JSON of the whole folded state
  service_id TEXT REFERENCES services (id), -- the owner; NULL: none
  incarnation TEXT,                -- of the owner; NULL too for an opaque job
  tag TEXT NOT NULL,               -- JSON object
  stage TEXT NOT NULL,             -- live, quarantined, completed, cancelled, removed, opaque
  status TEXT NOT NULL,
  handler TEXT NOT NULL,
  priority INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  attempt INTEGER NOT NULL,        -- starts of the slot in progress; 0: none is
  running INTEGER NOT NULL,        -- open runs: at most one, unless overlap allows more
  suspect INTEGER NOT NULL,        -- 1: two owners have died in it since its last success
  revision INTEGER NOT NULL,
  position INTEGER NOT NULL,
  last_outcome TEXT,               -- JSON object
  target TEXT,                     -- the service that a job without an owner was released for; NULL: none
  declared_by TEXT,                -- the application whose code declares it; NULL: none, or the job has ended
  placed INTEGER NOT NULL          -- position: since then owner, tag, affinity, handler, priority and suspicion have been as they are
) STRICT;
CREATE INDEX jobs_declared ON jobs (declared_by, id) WHERE declared_by IS NOT NULL;
CREATE UNIQUE INDEX jobs_by_id ON jobs (id);
CREATE INDEX jobs_by_status ON jobs (status, id);
CREATE INDEX jobs_by_service ON jobs (service_id, id, incarnation);
CREATE INDEX jobs_by_handler ON jobs (handler, id);
CREATE INDEX jobs_by_time ON jobs (next_run_time, id) WHERE next_run_time IS NOT NULL;
CREATE INDEX jobs_owned ON jobs (incarnation, handler, priority, suspect, next_run_time, id, service_id) WHERE incarnation IS NOT NULL;
CREATE INDEX jobs_unowned ON jobs (next_run_time, id) WHERE stage = 'live' AND service_id IS NULL;
CREATE INDEX jobs_targeted ON jobs (target) WHERE target IS NOT NULL;
CREATE INDEX jobs_placed ON jobs (incarnation, placed, service_id) WHERE incarnation IS NOT NULL;
CREATE INDEX jobs_running ON jobs (incarnation, id, service_id) WHERE running > 0;

CREATE TABLE job_tags (
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  job_id TEXT NOT NULL,
  PRIMARY KEY (key, value, job_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE owner_counts (
  service_id TEXT NOT NULL,
  incarnation TEXT NOT NULL,
  handler TEXT NOT NULL,
  priority INTEGER NOT NULL,
  suspect INTEGER NOT NULL,
  owned INTEGER NOT NULL,
  running INTEGER NOT NULL,
  PRIMARY KEY (service_id, incarnation, handler, priority, suspect)
) STRICT, WITHOUT ROWID;
`;
