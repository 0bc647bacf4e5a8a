import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { SeededRandom, VirtualClock } from '../../src/clock';
import { copyLog } from '../../src/copy';
import { exportLog } from '../../src/cli/export';
import { decode } from '../../src/domain/codec';
import { absentJob, evolve, type JobEvent } from '../../src/domain/job';
import { absentService, evolveService, evolveUnreadableService, type ServiceEvent } from '../../src/domain/service';
import { MemoryEventStore, type RecordedEvent } from '../../src/event-store';
import { SqliteReadModel } from '../../src/read-model';
import { silentLogger } from '../../src/logging';

/** A clock whose wall tells what it is set to: the store stamps events with it. */
class SetClock extends VirtualClock {
  time = 0;
  override wall(): number {
    return this.time;
  }
}

/** One line of `holdfast export`. */
interface Line {
  readonly position: string;
  readonly stream: string;
  readonly revision: number;
  readonly id: string;
  readonly type: string;
  readonly created: string;
  readonly data: unknown;
  readonly metadata: unknown;
}

export function eventsOf(text: string): RecordedEvent[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { position, stream, revision, id, type, created, data, metadata } = JSON.parse(line) as Line;
      const texts = { data: JSON.stringify(data), metadata: JSON.stringify(metadata) };
      return { stream, revision, position: BigInt(position), created: Date.parse(created), id, type, ...texts };
    });
}

/** A log in memory that holds these events, at their revisions and positions, with their times. */
export async function storeOf(events: readonly RecordedEvent[]): Promise<MemoryEventStore> {
  const clock = new SetClock();
  const store = new MemoryEventStore({ clock, random: new SeededRandom(1) });
  for (const { stream, revision, position, created, id, type, data, metadata } of events) {
    clock.time = created;
    const expected = revision === 0 ? 'no_stream' : revision - 1;
    const answer = await store.append(stream, expected, [{ id, type, data, metadata }]);
    if (answer.outcome !== 'appended' || answer.position !== position) {
      throw new Error(`${stream} revision ${revision} is not taken at position ${position}: ${answer.outcome}`);
    }
  }
  return store;
}

/** Another log in memory, that this one was copied to: its events say where they were first. */
export async function copyOf(source: MemoryEventStore): Promise<MemoryEventStore> {
  const clock = new SetClock();
  clock.time = Date.UTC(2020, 5, 1);
  const target = new MemoryEventStore({ clock, random: new SeededRandom(2) });
  await copyLog(source, target, { clock });
  return target;
}

/** What `holdfast export` writes of it. */
export async function exported(store: MemoryEventStore): Promise<string> {
  let text = '';
  const out = { write: (part: string) => Promise.resolve(void (text += part)) };
  await exportLog(store, { namespace: '', withoutPayloads: false }, { out, err: out, interactive: false });
  return text;
}

/** What every stream of jobs and of services folds to, one a line, by name. */
export function statesOf(events: readonly RecordedEvent[]): string {
  const states = new Map<string, unknown>();
  for (const { stream, revision, type, data, metadata } of events) {
    const event = decode(type, data, metadata);
    if (stream.startsWith('job-')) {
      const state = (states.get(stream) ?? absentJob) as typeof absentJob;
      states.set(stream, evolve(state, event as JobEvent, revision));
    } else if (stream.startsWith('service-')) {
      const state = (states.get(stream) ?? absentService(stream.slice(8))) as ReturnType<typeof absentService>;
      const next =
        event.type === '$unreadable'
          ? evolveUnreadableService(state, { revision, type, why: event.why })
          : evolveService(state, event as ServiceEvent, revision);
      states.set(stream, next);
    }
  }
  return lines([...states].map(([stream, state]) => ({ stream, state })));
}

/** Columns that are published, and that every later release has. */
const columns = {
  jobs: 'id, next_run_time, service_id, incarnation, tag, stage, status, handler, priority, epoch, attempt, running, revision, position, last_outcome, declared_by',
  services: 'id, life, incarnation, labels, ended_at, revision, position',
  job_tags: 'job_id, key, value',
} as const;

/** The rows of the read model, one a line, by table and id. */
export async function rowsOf(store: MemoryEventStore): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-golden-'));
  const path = join(folder, 'view.sqlite');
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  try {
    const view = await SqliteReadModel.open({ path, store, clock, random, namespace: '', logger: silentLogger });
    await view.start();
    await view.caughtUp();
    await view.close();
    const db = new Database(path, { readonly: true });
    const rows = Object.entries(columns).flatMap(([table, names]) =>
      db
        .prepare(`SELECT ${names} FROM ${table} ORDER BY 1, 2, 3`)
        .all()
        .map((row) => ({ table, row })),
    );
    db.close();
    return lines(rows);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function lines(values: readonly object[]): string {
  return values
    .map((value) => `${JSON.stringify(value)}\n`)
    .sort()
    .join('');
}
