import type { Database, Statement } from 'better-sqlite3';
import type { LogPosition } from '../event-store';
import type { GoneIncarnation } from '../domain/service';
import { compareKeys, firstOf, type Key } from './keyset';
import type { OwnedReads } from './own-jobs';
import { firstOfGroups } from './own-jobs';
import type { SweepPlace, SweepSnapshot } from './read-model';
import type { ServiceReads } from './service-reads';
import type { OwnedGroup, StillTrue } from './still-true';

const UNOWNED = `FROM jobs INDEXED BY jobs_unowned WHERE stage = 'live' AND service_id IS NULL`;

/** Reads what a sweep decides on. */
export class SweepReads {
  private readonly pending: Statement<[number, string, number], Key>;
  private readonly idle: Statement<[string, number], Key>;
  private readonly gone: Statement<[], OwnedGroup>;

  constructor(
    db: Database,
    private readonly owned: OwnedReads,
    private readonly services: ServiceReads,
    private readonly known: StillTrue,
  ) {
    this.pending = db.prepare(
      `SELECT n, id, next_run_time AS due ${UNOWNED} AND (next_run_time, id) > (?, ?) ORDER BY next_run_time, id LIMIT ?`,
    );
    this.idle = db.prepare(
      `SELECT n, id, NULL AS due ${UNOWNED} AND next_run_time IS NULL AND id > ? ORDER BY id LIMIT ?`,
    );
    // Every incarnation that is gone, not just the newest of its service; and those that no event registers, if every event could be read.
    this.gone = db.prepare(
      `SELECT c.service_id AS serviceId, c.incarnation, c.handler, c.priority, c.suspect FROM owner_counts c
       WHERE c.owned > 0 AND coalesce(
         (SELECT life FROM incarnations i WHERE i.service_id = c.service_id AND i.id = c.incarnation ORDER BY ordinal DESC LIMIT 1),
         (SELECT 'unregistered' FROM services s WHERE s.id = c.service_id AND s.unreadable IS NULL)
       ) IN ('failed', 'stopped', 'unregistered')`,
    );
  }

  snapshot(position: LogPosition, limit: number, place: SweepPlace | null): SweepSnapshot {
    const after = place === null ? null : { n: 0, id: place.jobId, due: place.nextRunTime };
    return {
      position,
      ...this.services.candidates(),
      unowned: this.unownedRows(limit, after),
      orphaned: this.orphaned(limit, after),
    };
  }

  /** The first page is asked for by every sweep. */
  private unownedRows(limit: number, place: Key | null): SweepSnapshot['unowned'] {
    const read = () => ({ limit, rows: this.unowned(limit, place).map(({ n }) => this.owned.rows.row(n)) });
    if (place !== null) return read().rows;
    const first = this.known.get('unowned', read);
    return first.limit === limit ? first.rows : read().rows;
  }

  private unowned(limit: number, place: Key | null): readonly Key[] {
    return firstOf(
      [
        (after, most) =>
          after?.due === null ? [] : this.pending.all(after?.due ?? -Number.MAX_SAFE_INTEGER, after?.id ?? '', most),
        (after, most) => this.idle.all(after !== null && after.due === null ? after.id : '', most),
      ],
      limit,
      place,
    );
  }

  private orphaned(limit: number, after: Key | null): SweepSnapshot['orphaned'] {
    const owners = new Map<
      string,
      { readonly owner: GoneIncarnation; readonly serviceId: string; groups: OwnedGroup[] }
    >();
    for (const group of this.known.get('owners', () => this.gone.all())) {
      const key = JSON.stringify([group.serviceId, group.incarnation]);
      const known = owners.get(key);
      if (known !== undefined) known.groups.push(group);
      else {
        const { serviceId, incarnation } = group;
        const registered = this.services.incarnationOf(serviceId, incarnation);
        const owner = registered ?? ({ incarnation, life: 'unregistered' } as const);
        owners.set(key, { owner, serviceId, groups: [group] });
      }
    }
    const found = [...owners.values()].flatMap(({ owner, serviceId, groups }) =>
      firstOfGroups(this.owned, groups, limit, after).map((key) => ({ key, owner, ownerServiceId: serviceId })),
    );
    return found
      .sort((a, b) => compareKeys(a.key, b.key))
      .slice(0, Math.max(0, limit))
      .map(({ key, owner, ownerServiceId }) => ({ job: this.owned.rows.row(key.n), owner, ownerServiceId }));
  }
}
