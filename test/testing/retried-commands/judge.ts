import { decode, type DomainEvent } from '../../../src/domain/codec';
import { CommandToJob, type AnyCommand, type ServiceDirectory } from '../../../src/commands';
import {
  absentJob,
  backfilledInstant,
  closeBooks,
  decide,
  evolve,
  type JobEvent,
  type JobState,
} from '../../../src/domain/job';
import {
  absentService,
  decideService,
  evolveService,
  type ServiceEvent,
  type ServiceState,
} from '../../../src/domain/service';
import { eventIds, type RecordedEvent } from '../../../src/event-store';

/** A command whose answer is definite. */
export interface Settled {
  /** The command id that it was sent under first; null: of a loop, whose id the executor made. */
  readonly commandId: string | null;
  readonly command: AnyCommand;
  readonly actor: string | null;
  /** When it was sent first. */
  readonly sentAt: number;
  /** What the caller was told at last; null: a refusal. */
  readonly answer: {
    readonly revision: number;
    readonly position: bigint;
    readonly added: number;
    readonly events: readonly DomainEvent[];
  } | null;
}

type Decision = { readonly ok: boolean; readonly events?: readonly DomainEvent[]; readonly knownRevision?: number };

/** One stream as the log has it, against what each command must have added exactly once. */
export class StreamJudge {
  revision = -1;
  job: JobState = absentJob;
  service: ServiceState;

  constructor(
    readonly stream: string,
    private readonly id: string,
    private readonly setup: {
      readonly directory: ServiceDirectory;
      readonly zoneData: string;
      readonly booksEvery: number;
      /** The ids are to be those of protocol §3.2. */
      readonly checksIds: boolean;
    },
  ) {
    this.service = absentService(id);
  }

  /**
   * @param added what the stream has got since the last time. @param commands those that were sent to it meanwhile, all settled.
   * @returns what is wrong with it, in words.
   */
  judge(added: readonly RecordedEvent[], commands: readonly Settled[], now: number): string[] {
    const wrong: string[] = [];
    const complain = (words: string): void => void wrong.push(`${this.stream}: ${words}`);
    const left = new Set(commands);
    const mayBeNothing = new Set<Settled>();
    const look = (): void => {
      for (const one of left) {
        for (const at of [one.sentAt, now]) {
          const { ok, events = [] } = this.decision(one, at);
          if (!ok || events.length === 0) mayBeNothing.add(one);
        }
      }
    };
    look();
    for (const append of appendsOf(added)) {
      const causation = causationOf(append[0]);
      const known = [...left].find(({ commandId }) => commandId === causation);
      const mine = known ?? [...left].find(({ commandId }) => commandId === null);
      const types = append.map(({ type }) => type).join();
      if (mine === undefined) {
        complain(
          `revision ${append[0].revision}: ${types} of command ${causation} was added, and no command was to add it (again)`,
        );
      } else {
        left.delete(mine);
        this.compare(append, mine, complain);
      }
      for (const event of append) this.fold(event);
      look();
    }
    for (const one of left) {
      if (!mayBeNothing.has(one))
        complain(`${one.command.constructor.name} was answered, and its events are not in the log`);
      else if (one.answer !== null && one.answer.added > 0)
        complain(`${one.command.constructor.name} says that it added events, and it has not`);
    }
    return wrong;
  }

  private compare(append: readonly RecordedEvent[], mine: Settled, complain: (words: string) => void): void {
    const { command, answer } = mine;
    const name = command.constructor.name;
    const at = (JSON.parse(append[0].data) as { at: number }).at;
    const decision = this.decision(mine, at, causationOf(append[0]));
    const expected = this.withBooks(decision.events ?? []);
    const shown = (events: readonly { readonly type: string; readonly data: unknown }[]): string =>
      JSON.stringify(events.map(({ type, data }) => [type, data]));
    const actual = append.map(({ type, data }) => ({ type, data: JSON.parse(data) as unknown }));
    if (!decision.ok || shown(expected) !== shown(actual)) {
      complain(`${name} added ${shown(actual)}, and it was to add ${decision.ok ? shown(expected) : 'nothing'}`);
    }
    const encoded = append.map(({ type, data }) => ({ type, data }));
    const base = this.revision < 0 ? 'no_stream' : this.revision;
    const ids = eventIds(causationOf(append[0]), this.stream, base, encoded);
    if (this.setup.checksIds && ids.join() !== append.map(({ id }) => id).join())
      complain(`${name}: the ids are not those of the protocol`);
    const last = append[append.length - 1];
    if (answer === null) {
      if (mine.commandId !== null) complain(`${name} was refused, and it is in the log`);
      return;
    }
    if (answer.added > 0 && shown(answer.events) !== shown(actual)) {
      complain(`${name} was answered with ${shown(answer.events)}, and the log has ${shown(actual)}`);
    }
    const first = answer.added > 0 || mine.commandId !== null;
    if (first && (answer.revision !== last.revision || answer.position !== last.position)) {
      complain(`${name} was answered with revision ${answer.revision}, and it ends at ${last.revision}`);
    }
  }

  private decision({ command, commandId, actor }: Settled, at: number, made = 'a loop'): Decision {
    const { directory, zoneData } = this.setup;
    const limits = { maxFiresPerSecond: Infinity };
    const inputs = { id: this.id, commandId: commandId ?? made, at, zoneData, limits, actor, directory };
    if (command instanceof CommandToJob) {
      const asked = command.ask(inputs, this.job);
      return asked.ok ? decide(this.job, asked.value) : asked;
    }
    const asked = command.ask(inputs, this.service);
    return asked.ok ? decideService(this.service, asked.value) : asked;
  }

  private withBooks(events: readonly DomainEvent[]): readonly DomainEvent[] {
    if (!this.stream.startsWith('job-')) return events;
    const after = events.reduce<JobState>(
      (state, event, n) => evolve(state, event as JobEvent, this.revision + 1 + n),
      this.job,
    );
    const books = events.length === 0 ? null : closeBooks(after, this.setup.booksEvery);
    return books === null ? events : [...events, books];
  }

  private fold({ type, data, metadata, revision }: RecordedEvent): void {
    const event = decode(type, data, metadata);
    this.revision = revision;
    if (this.stream.startsWith('job-')) this.job = evolve(this.job, event as JobEvent, revision);
    else this.service = evolveService(this.service, event as ServiceEvent, revision);
  }
}

/** The events of one append say the same of what caused them; appends of two commands stand side by side. */
function appendsOf(events: readonly RecordedEvent[]): readonly (readonly RecordedEvent[])[] {
  const appends: RecordedEvent[][] = [];
  for (const event of events) {
    const last = appends.at(-1);
    if (last !== undefined && causationOf(last[0]) === causationOf(event) && !repeats(last, event)) last.push(event);
    else appends.push([event]);
  }
  return appends;
}

/** The same command's first event once more: it was added twice in a row. */
function repeats(append: readonly RecordedEvent[], event: RecordedEvent): boolean {
  const [first] = append;
  if (first.type !== event.type || event.type === 'JobRunAbandoned' || event.type === 'JobSlotsSkipped') return false;
  // A backfill asks for many runs; twice the first of them is what it would do again.
  const backfilled = [first, event].map(({ data }) =>
    backfilledInstant((JSON.parse(data) as { slot?: string }).slot ?? ''),
  );
  return backfilled[0] === backfilled[1];
}

function causationOf({ metadata }: RecordedEvent): string {
  return (JSON.parse(metadata) as { $causationId: string }).$causationId;
}
