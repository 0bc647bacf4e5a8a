import type { Database } from 'better-sqlite3';
import type { Clock } from '../clock';
import { absentJob, type JobState } from '../domain/job';
import type { ServiceState } from '../domain/service';
import type { EventStore, RecordedEvent } from '../event-store';
import { namespacePrefix } from '../domain/namespace';
import type { Logger } from '../logging';
import { EventWindow } from './event-window';
import { foldJob, foldService } from './fold';
import { JobTable, type StoredJob } from './job-table';
import { isOfFile, tellUnreadable } from './projector';
import { ServiceTable } from './service-table';
import { StateStore } from './state-store';
import { subjectOf } from './streams';
import type { Aside, Checkpoint } from './view-file';
import { messageOf } from './words';

/** The event loop is held for about so long at a time, ms. */
const SLICE_MS = 10;
/** So many jobs are folded between two looks at the clock, and so many rows are written in one transaction. */
const FOLDED_AT_ONCE = 16;
const WRITTEN_AT_ONCE = 128;
const REFOLD_PAGE = 200;

export interface RebuildPorts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly namespace: string;
  readonly logger: Logger;
}

/**
 * Makes a whole view from a long log. Ordinary projecting writes a job's row, and all that hangs on it, again and again; here the events of
 * many jobs are gathered, each job's state is folded over all of its gathered events at once, and its row is written at the very end.
 *
 * Nobody reads the view before it is finished: its rows hold no position but the last.
 */
export class Rebuild {
  private readonly window: EventWindow;
  private readonly states: StateStore;
  private readonly services = new Map<string, { state: ServiceState; position: bigint }>();
  private readonly jobTable: JobTable;
  private readonly serviceTable: ServiceTable;
  private newest: RecordedEvent | null = null;
  private position: bigint | null = null;

  constructor(
    private readonly ports: RebuildPorts,
    private readonly aside: Aside,
    private readonly signal: AbortSignal,
    window: EventWindow = new EventWindow(),
  ) {
    this.window = window;
    this.states = new StateStore(aside.scratch);
    this.jobTable = new JobTable(aside.view);
    this.serviceTable = new ServiceTable(aside.view);
  }

  /** Takes the next events of the log, everything up to `position`. */
  async add(events: readonly RecordedEvent[], position: bigint): Promise<void> {
    for (const event of events) {
      // What was taken before something failed comes again.
      if (this.newest !== null && event.position <= this.newest.position) continue;
      const subject = subjectOf(this.ports.namespace, event.stream);
      if (subject?.kind === 'job' && !this.window.add(subject.id, event)) {
        await this.fold();
        this.window.add(subject.id, event);
      } else if (subject?.kind === 'service') this.addToService(subject.id, event);
      this.newest = event;
    }
    this.position = position;
  }

  checkpoint(): Checkpoint {
    const { newest } = this;
    return {
      position: this.position ?? 'start',
      newest: newest === null ? null : { position: newest.position, id: newest.id },
    };
  }

  /** Writes the view. @returns the position at which its rows hold: that which was added last. */
  async finish(): Promise<bigint> {
    await this.fold();
    this.window.release();
    this.writeServices();
    await this.writeJobs();
    const { position, newest } = this;
    if (position === null) throw new Error('Nothing was read of the log.');
    this.aside.view
      .prepare('UPDATE view SET position = ?, event_position = ?, event_id = ?')
      .run(position, newest?.position ?? null, newest?.id ?? null);
    return position;
  }

  /** Does the work item by item in transactions of `db`, and lets others have their turn between them. */
  private async inSlices<T>(db: Database, items: Iterator<T | null>, work: (item: T) => void): Promise<void> {
    const { clock } = this.ports;
    const slice = db.transaction((until: number) => {
      for (let n = 1; n % FOLDED_AT_ONCE !== 0 || clock.monotonic() < until; n++) {
        const { done, value } = items.next();
        if (done === true) return true;
        if (value === null) return false;
        work(value);
      }
      return false;
    });
    while (!slice(clock.monotonic() + SLICE_MS)) {
      await clock.yield();
      this.signal.throwIfAborted();
    }
  }

  private addToService(id: string, event: RecordedEvent): void {
    const before = this.services.get(id)?.state ?? this.serviceTable.load(id);
    const state = foldService(before, event, null, (why) =>
      tellUnreadable(this.ports.logger, 'view.service-unreadable', { ofServiceId: id }, event, why),
    );
    this.services.set(id, { state, position: event.position });
  }

  /** Folds what was gathered into the states. */
  private async fold(): Promise<void> {
    if (this.window.isEmpty) return;
    await this.inSlices(this.aside.scratch, this.window.ids(), (id) => this.foldOne(id));
    this.window.clear();
  }

  private foldOne(id: string): void {
    const known = this.states.get(id);
    let state: JobState = known === null ? absentJob : (JSON.parse(known) as StoredJob['state']);
    let position = 0n;
    for (const event of this.window.eventsOf(id, this.streamOf(id))) {
      state = this.next(id, state, event);
      position = event.position;
    }
    if (state.stage !== 'absent') this.states.put(id, JSON.stringify(state), position);
  }

  private next(id: string, state: JobState, event: RecordedEvent, refused: string | null = null): JobState {
    const tell = (why: Parameters<typeof tellUnreadable>[4]) =>
      tellUnreadable(this.ports.logger, 'view.job-unreadable', { jobId: id }, event, why);
    if (refused !== null) return foldJob(state, event, refused, tell);
    try {
      return foldJob(state, event, null, tell);
    } catch (error) {
      return foldJob(state, event, messageOf(error), tell);
    }
  }

  private writeServices(): void {
    const { view } = this.aside;
    view.transaction(() => {
      for (const { state, position } of this.services.values())
        this.serviceTable.write({ ...state, incarnations: [] }, state, position);
    })();
    this.serviceTable.committed(this.services.keys());
  }

  private async writeJobs(): Promise<void> {
    const { clock } = this.ports;
    for (let after = ''; ;) {
      const portion = this.states.after(after, WRITTEN_AT_ONCE);
      if (portion.length === 0) return;
      after = portion[portion.length - 1].id;
      try {
        this.inTransaction(() => {
          for (const { id, state, position } of portion)
            this.write(id, null, JSON.parse(state) as StoredJob['state'], position);
        });
      } catch (error) {
        if (isOfFile(error)) throw error;
        for (const { id, state, position } of portion) await this.writeAlone(id, state, position);
      }
      await clock.yield();
      this.signal.throwIfAborted();
    }
  }

  /** One of several jobs has a state that the table refuses. It is that of one event, which is found, and makes its job opaque. */
  private async writeAlone(id: string, state: string, position: bigint): Promise<void> {
    try {
      this.inTransaction(() => this.write(id, null, JSON.parse(state) as StoredJob['state'], position));
    } catch (error) {
      if (isOfFile(error)) throw error;
      await this.writeByEvents(id, position);
    }
  }

  private async writeByEvents(id: string, until: bigint): Promise<void> {
    const stream = this.streamOf(id);
    let stored: StoredJob | null = null;
    for (let from = 0; ;) {
      const { events } = await this.ports.store.readStream(stream, { direction: 'forwards', from, limit: REFOLD_PAGE });
      for (const event of events) {
        if (event.position > until) return;
        stored = this.writeEvent(id, stored, event, null);
        from = event.revision + 1;
      }
      if (events.length < REFOLD_PAGE) return;
    }
  }

  private writeEvent(
    id: string,
    before: StoredJob | null,
    event: RecordedEvent,
    refused: string | null,
  ): StoredJob | null {
    const state = this.next(id, before?.state ?? absentJob, event, refused);
    if (state.stage === 'absent') return null;
    try {
      return this.inTransaction(() => this.write(id, before, state, event.position));
    } catch (error) {
      if (isOfFile(error) || refused !== null) throw error;
      return this.writeEvent(id, before, event, messageOf(error));
    }
  }

  private write(id: string, before: StoredJob | null, state: StoredJob['state'], position: bigint): StoredJob {
    return this.jobTable.write(id, before, state, position, (owner) => this.serviceTable.mentioned(owner, position));
  }

  private inTransaction<T>(write: () => T): T {
    return this.aside.view.transaction(() => {
      this.jobTable.begin();
      const written = write();
      this.jobTable.finish();
      return written;
    })();
  }

  private streamOf(id: string): string {
    return `${namespacePrefix(this.ports.namespace)}job-${id}`;
  }
}
