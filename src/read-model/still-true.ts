import type { Instant } from '../clock';
import type { JobColumns } from './job-columns';
import type { JobRow } from './read-model';

/** Jobs of one incarnation with one handler and one priority, suspects apart: within it, an index has them in due order. */
export interface OwnedGroup {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly handler: string;
  readonly priority: number;
  readonly suspect: 0 | 1;
}

/** Jobs that an incarnation owns, their open runs, and how many of those are of suspects. */
export interface Load {
  readonly owned: number;
  readonly running: number;
  readonly suspects: number;
}

/** The same with the soonest next run time of its jobs; null: nothing is pending; undefined: not known. */
export interface TimedGroup extends OwnedGroup {
  soonest: Instant | null | undefined;
}

interface OfIncarnation {
  readonly serviceId: string;
  groups: readonly TimedGroup[] | null;
  load: Load | null;
  running: readonly JobRow[] | null;
}

/** A job before and after a batch; null: there was none. */
export interface JobChange {
  readonly before: JobColumns | null;
  readonly after: JobColumns;
}

/** Incarnations that are remembered; more are those of a log of whose services most are gone. */
const MOST = 1_000;

/**
 * Answers of the tables that are asked again and again, for as long as they hold. Only the projector writes the tables; it says what each batch has
 * changed once that is committed, and what a change may touch is forgotten and read anew. So a pass of the worker or the sweep, of which there is one
 * for each change anywhere in the cluster, costs nothing where nothing of its own has changed.
 */
export class StillTrue {
  private readonly incarnations = new Map<string, OfIncarnation>();
  private readonly answers = new Map<'services' | 'targets' | 'unowned' | 'owners', unknown>();

  /** A service or an incarnation has changed. */
  servicesChanged(): void {
    this.incarnations.clear();
    this.answers.clear();
  }

  jobChanged({ before, after }: JobChange): void {
    if (before === null || !sameOwner(before, after)) {
      this.forgetOwner(before);
      this.forgetOwner(after);
    } else if (after.incarnation !== null) {
      this.forgetRunning(before, after);
      if (before.nextRunTime !== after.nextRunTime) this.moved(before, after);
    }
    if (before?.target != null || after.target !== null) this.answers.delete('targets');
    if ((before !== null && isUnowned(before)) || isUnowned(after)) this.answers.delete('unowned');
  }

  groups(serviceId: string, incarnation: string, read: () => readonly OwnedGroup[]): readonly TimedGroup[] {
    const known = this.of(serviceId, incarnation);
    return (known.groups ??= read().map((group) => ({ ...group, soonest: undefined })));
  }

  load(serviceId: string, incarnation: string, read: () => Load): Load {
    return (this.of(serviceId, incarnation).load ??= read());
  }

  /** Rows with an open run. */
  running(serviceId: string, incarnation: string, read: () => readonly JobRow[]): readonly JobRow[] {
    return (this.of(serviceId, incarnation).running ??= read());
  }

  /**
   * Whatever depends on the live incarnations (`services`), on jobs that were released for somebody (`targets`), on jobs without an owner
   * (`unowned`), or on who owns any (`owners`) alone.
   */
  get<T>(dependsOn: 'services' | 'targets' | 'unowned' | 'owners', read: () => T): T {
    if (!this.answers.has(dependsOn)) this.answers.set(dependsOn, read());
    return this.answers.get(dependsOn) as T;
  }

  private of(serviceId: string, incarnation: string): OfIncarnation {
    let known = this.incarnations.get(incarnation);
    if (known === undefined || known.serviceId !== serviceId) {
      if (this.incarnations.size >= MOST) this.incarnations.clear();
      this.incarnations.set(incarnation, (known = { serviceId, groups: null, load: null, running: null }));
    }
    return known;
  }

  private forgetOwner(columns: JobColumns | null): void {
    if (columns === null || columns.incarnation === null) return;
    this.incarnations.delete(columns.incarnation);
    this.answers.delete('owners');
  }

  /** A job of a group that stays has changed. */
  private forgetRunning(before: JobColumns, after: JobColumns): void {
    const known = this.incarnations.get(after.incarnation!);
    if (known === undefined) return;
    if (before.running !== after.running) known.load = null;
    if (before.running > 0 || after.running > 0) known.running = null;
  }

  /** A job of a group that stays has another next run time. */
  private moved(before: JobColumns, after: JobColumns): void {
    const { incarnation, handler, priority, suspect, nextRunTime } = after;
    const group = this.incarnations
      .get(incarnation!)
      ?.groups?.find((one) => one.handler === handler && one.priority === priority && one.suspect === suspect);
    if (group === undefined || group.soonest === undefined) return;
    if (nextRunTime !== null && (group.soonest === null || nextRunTime <= group.soonest)) group.soonest = nextRunTime;
    // It may have been the only one at that time.
    else if (before.nextRunTime === group.soonest) group.soonest = undefined;
  }
}

function sameOwner(a: JobColumns, b: JobColumns): boolean {
  return (
    a.serviceId === b.serviceId &&
    a.incarnation === b.incarnation &&
    a.handler === b.handler &&
    a.priority === b.priority &&
    a.suspect === b.suspect
  );
}

function isUnowned({ stage, serviceId }: JobColumns): boolean {
  return stage === 'live' && serviceId === null;
}
