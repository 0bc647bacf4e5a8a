import type { Database, Statement } from 'better-sqlite3';
import { absentService, currentIncarnation, type Incarnation, type ServiceState } from '../domain/service';

interface RawService {
  readonly id: string;
  readonly revision: number;
  readonly commands: string;
  readonly unreadable: string | null;
}

/** Writes `services` and `incarnations`. */
export class ServiceTable {
  private readonly find: Statement<[string], RawService>;
  private readonly findIncarnations: Statement<[string], string>;
  private readonly upsert: Statement;
  private readonly upsertIncarnation: Statement;
  private readonly mention: Statement;
  private readonly known: Set<string>;

  constructor(db: Database) {
    this.find = db.prepare('SELECT id, revision, commands, unreadable FROM services WHERE id = ?');
    this.findIncarnations = db
      .prepare<[string], string>('SELECT state FROM incarnations WHERE service_id = ? ORDER BY ordinal')
      .pluck() as Statement<[string], string>;
    this.upsert = db.prepare(
      `INSERT INTO services (id, life, incarnation, labels, ended_at, revision, position, commands, unreadable)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET life = excluded.life, incarnation = excluded.incarnation, labels = excluded.labels,
         ended_at = excluded.ended_at, revision = excluded.revision, position = excluded.position,
         commands = excluded.commands, unreadable = excluded.unreadable`,
    );
    this.upsertIncarnation = db.prepare(
      `INSERT INTO incarnations (service_id, id, ordinal, life, state) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET life = excluded.life, state = excluded.state`,
    );
    this.mention = db.prepare(
      `INSERT OR IGNORE INTO services (id, life, labels, revision, position, commands) VALUES (?, 'unknown', '{}', -1, ?, '[]')`,
    );
    this.known = new Set(db.prepare<[], string>('SELECT id FROM services').pluck().all() as string[]);
  }

  load(serviceId: string): ServiceState {
    const found = this.find.get(serviceId);
    if (found === undefined) return absentService(serviceId);
    return {
      serviceId,
      revision: found.revision,
      incarnations: this.findIncarnations.all(serviceId).map((text) => JSON.parse(text) as Incarnation),
      unreadable: found.unreadable === null ? null : (JSON.parse(found.unreadable) as ServiceState['unreadable']),
      commands: JSON.parse(found.commands) as ServiceState['commands'],
    };
  }

  write(before: ServiceState, state: ServiceState, position: bigint): void {
    const { serviceId, revision, unreadable, commands } = state;
    const current = currentIncarnation(state);
    this.upsert.run(
      serviceId,
      current?.life ?? 'unknown',
      current?.incarnation ?? null,
      JSON.stringify(current?.labels ?? {}),
      current?.endedAt ?? null,
      revision,
      position,
      JSON.stringify(commands),
      unreadable === null ? null : JSON.stringify(unreadable),
    );
    state.incarnations.forEach((one, ordinal) => {
      if (before.incarnations[ordinal] === one) return;
      this.upsertIncarnation.run(serviceId, one.incarnation, ordinal, one.life, JSON.stringify(one));
    });
  }

  /** A job speaks of a service whose registration was not seen: it gets a row, so that the reference holds. */
  mentioned(serviceId: string, position: bigint): void {
    if (this.known.has(serviceId)) return;
    this.mention.run(serviceId, position);
  }

  /** Call after the batch was committed. */
  committed(serviceIds: Iterable<string>): void {
    for (const id of serviceIds) this.known.add(id);
  }
}
