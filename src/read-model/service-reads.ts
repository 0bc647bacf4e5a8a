import type { Database, Statement } from 'better-sqlite3';
import type { Instant } from '../clock';
import { candidateOf, type Candidate, type Incarnation } from '../domain/service';
import type { OwnedReads } from './own-jobs';
import type { ServiceLoads, ServiceRow } from './read-model';
import type { Load, StillTrue } from './still-true';

interface RawService {
  readonly id: string;
  readonly revision: number;
  readonly position: string;
  readonly unreadable: string | null;
}

/** How long a gone service without jobs stays in default listings, ms. */
export const GONE_LISTED_MS = 86_400_000;

/** Reads `services` and `incarnations`. */
export class ServiceReads {
  private readonly one: Statement<[string], RawService>;
  private readonly all: Statement<[], RawService>;
  private readonly listed: Statement<[number], RawService>;
  private readonly incarnations: Statement<[string], string>;
  private readonly owned: Statement<[string], number>;
  private readonly candidateStatement: Statement<[string], { id: string; state: string }>;
  private readonly liveStatement: Statement<[], { id: string; state: string }>;
  private readonly incarnation: Statement<[string, string], string>;
  private readonly coming: Statement<[], { serviceId: string; jobs: number }>;

  constructor(
    db: Database,
    private readonly ownedReads: OwnedReads,
    private readonly known: StillTrue,
  ) {
    const columns = 'id, revision, CAST(position AS TEXT) AS position, unreadable';
    this.one = db.prepare(`SELECT ${columns} FROM services WHERE id = ?`);
    this.all = db.prepare(`SELECT ${columns} FROM services ORDER BY id`);
    this.listed = db.prepare(
      `SELECT ${columns} FROM services WHERE life NOT IN ('failed', 'stopped') OR ended_at > ?
         OR EXISTS (SELECT 1 FROM owner_counts WHERE service_id = services.id) ORDER BY id`,
    );
    this.incarnations = db
      .prepare('SELECT state FROM incarnations WHERE service_id = ? ORDER BY ordinal')
      .pluck() as Statement<[string], string>;
    this.owned = db
      .prepare('SELECT coalesce(sum(owned), 0) FROM owner_counts WHERE service_id = ?')
      .pluck() as Statement<[string], number>;
    const newest = `FROM services s JOIN incarnations i ON i.service_id = s.id
      AND i.ordinal = (SELECT max(ordinal) FROM incarnations WHERE service_id = s.id)`;
    this.candidateStatement = db.prepare(`SELECT s.id, i.state ${newest} WHERE s.id = ?`);
    this.liveStatement = db.prepare(
      `SELECT s.id, i.state ${newest} WHERE s.life IN ('live', 'draining') ORDER BY s.id`,
    );
    this.coming = db.prepare(
      'SELECT target AS serviceId, count(*) AS jobs FROM jobs INDEXED BY jobs_targeted WHERE target IS NOT NULL GROUP BY target',
    );
    this.incarnation = db
      .prepare('SELECT state FROM incarnations WHERE service_id = ? AND id = ? ORDER BY ordinal DESC LIMIT 1')
      .pluck() as Statement<[string, string], string>;
  }

  service(serviceId: string): ServiceRow | null {
    const raw = this.one.get(serviceId);
    return raw === undefined ? null : this.row(raw);
  }

  /** @param now for leaving out what is gone for long; null: everything. */
  services(now: Instant | null): readonly ServiceRow[] {
    const found = now === null ? this.all.all() : this.listed.all(now - GONE_LISTED_MS);
    return found.map((raw) => this.row(raw));
  }

  candidate(serviceId: string): Candidate | null {
    const found = this.candidateStatement.get(serviceId);
    return found === undefined ? null : this.candidateFrom(parsed(found)).candidate;
  }

  /** Services whose newest incarnation is not terminal, by id, and what they run. */
  candidates(): { readonly candidates: readonly Candidate[]; readonly loads: ServiceLoads } {
    const live = this.known.get('services', () => this.liveStatement.all().map(parsed));
    const found = live.map((one) => this.candidateFrom(one));
    const loads = new Map(
      found.map(({ candidate, load: { running, suspects } }) => [
        candidate.serviceId,
        { running, suspects, coming: 0 },
      ]),
    );
    for (const { serviceId, jobs } of this.known.get('targets', () => this.coming.all())) {
      const load = loads.get(serviceId);
      if (load !== undefined) load.coming = jobs;
    }
    return { candidates: found.map(({ candidate }) => candidate), loads };
  }

  incarnationOf(serviceId: string, incarnation: string): Incarnation | null {
    const text = this.incarnation.get(serviceId, incarnation);
    return text === undefined ? null : (JSON.parse(text) as Incarnation);
  }

  private candidateFrom({ id, incarnation }: Newest): { candidate: Candidate; load: Load } {
    const load = this.ownedReads.countOf(id, incarnation.incarnation);
    return { candidate: candidateOf(id, incarnation, load.owned), load };
  }

  private row(raw: RawService): ServiceRow {
    const incarnations = this.incarnations.all(raw.id).map((text) => JSON.parse(text) as Incarnation);
    const unreadable = raw.unreadable === null ? null : (JSON.parse(raw.unreadable) as Unreadable);
    return {
      serviceId: raw.id,
      revision: raw.revision,
      position: BigInt(raw.position),
      incarnations,
      current: incarnations.at(-1) ?? null,
      ownedJobs: this.owned.get(raw.id) ?? 0,
      unreadable:
        unreadable === null ? null : `${unreadable.type} at revision ${unreadable.revision}: ${unreadable.why}`,
    };
  }
}

/** A service with its newest incarnation. */
interface Newest {
  readonly id: string;
  readonly incarnation: Incarnation;
}

function parsed({ id, state }: { readonly id: string; readonly state: string }): Newest {
  return { id, incarnation: JSON.parse(state) as Incarnation };
}

interface Unreadable {
  readonly revision: number;
  readonly type: string;
  readonly why: string;
}
