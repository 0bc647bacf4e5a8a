import type { Database } from 'better-sqlite3';
import type { Logger } from '../logging';
import { JobLists } from './job-lists';
import { JobRows } from './job-rows';
import { OwnedReads } from './own-jobs';
import { Projector } from './projector';
import { ServiceReads } from './service-reads';
import { StillTrue } from './still-true';
import { SweepReads } from './sweep-reads';

/** The statements on one file: they go with it when it is rebuilt. */
export interface Prepared {
  readonly projector: Projector;
  readonly rows: JobRows;
  readonly owned: OwnedReads;
  readonly services: ServiceReads;
  readonly sweep: SweepReads;
  readonly lists: JobLists;
}

export function prepare(
  db: Database,
  { namespace, logger }: { readonly namespace: string; readonly logger: Logger },
): Prepared {
  const rows = new JobRows(db);
  const known = new StillTrue();
  const owned = new OwnedReads(db, rows, known);
  const services = new ServiceReads(db, owned, known);
  return {
    rows,
    owned,
    services,
    sweep: new SweepReads(db, owned, services, known),
    lists: new JobLists(db, rows),
    projector: new Projector(db, namespace, logger, known),
  };
}
