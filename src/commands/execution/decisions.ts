import type { Clock, Random } from '../../clock';
import type { ExpectedRevision, NewEvent } from '../../event-store';
import type { Encoded } from '../../domain/codec';
import type { Refusal } from '../../domain/refusal';
import type { Logger } from '../../logging';
import {
  CommandRefusedError,
  CommandUnavailableError,
  FencedError,
  type CommandResult,
  type ExecuteOptions,
} from '../contract';
import { backoff } from './backoff';
import type { Loader } from './loader';
import type { ExecutorOptions } from './options';
import { NoLongerAwaited, type Patience } from './patience';
import type { Sender, Settled } from './sender';
import type { Held, RecentStates } from './states';
import type { Decision, Subject } from './subject';
import type { Turns } from './turns';

/** One command on one stream. */
export interface Task<State extends { readonly revision: number }, Event extends { readonly type: string }> {
  readonly subject: Subject<State, Event>;
  readonly stream: string;
  readonly id: string;
  readonly commandId: string;
  /** Decides on `state` now; pure but for the time it is asked at. */
  readonly decide: (state: State) => Decision<Event>;
  readonly known: State | null;
  readonly options: ExecuteOptions;
}

export interface Executed<State, Event> extends CommandResult {
  readonly firstRevision: number;
  readonly events: readonly Event[];
  readonly state: State;
}

/** Decided, encoded and within its limits. */
interface Prepared<State, Event> {
  readonly events: readonly Event[];
  readonly newEvents: readonly NewEvent[];
  readonly expected: number;
  readonly after: State;
}

interface DecisionPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly options: ExecutorOptions;
  readonly loader: Loader;
  readonly sender: Sender;
  readonly states: RecentStates;
  readonly turns: Turns;
  /** An append of this process is in the log, up to this position. */
  readonly appended: (position: bigint) => void;
  readonly eventIds: (
    commandId: string,
    stream: string,
    expected: ExpectedRevision,
    events: readonly { readonly type: string; readonly data: string }[],
  ) => readonly string[];
}

/** A late outcome is recorded as refused, but not at any price: after this many lost races it stays a log line (protocol 3.6). */
const REFUSED_OUTCOME_TRIES = 3;

/** load → fold → decide → append, again and again until the outcome is definite. */
export class Decisions {
  private forgotten = 0;

  constructor(private readonly ports: DecisionPorts) {}

  /** The log went back in time: nothing that was read or acknowledged before holds. */
  forget(): void {
    this.forgotten += 1;
    this.ports.states.clear();
  }

  async execute<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    task: Task<State, Event>,
    patience: Patience,
  ): Promise<Executed<State, Event>> {
    const endTurn = await this.ports.turns.take(task.stream, patience);
    try {
      return await this.untilDefinite(task, patience, endTurn);
    } finally {
      endTurn();
    }
  }

  private async untilDefinite<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    task: Task<State, Event>,
    patience: Patience,
    endTurn: () => void,
  ): Promise<Executed<State, Event>> {
    const { options, random, sender } = this.ports;
    let held = this.startFrom(task);
    let fresh = false;
    let head = held?.reported ?? -1;
    let conflicts = 0;
    let unwritten = 0;
    let era = this.forgotten;
    const wentBack = () => this.forgotten !== era;
    for (;;) {
      if (wentBack()) {
        // Nothing that was read of the lost log holds, nor what it has said of its head.
        era = this.forgotten;
        held = null;
        head = -1;
        fresh = false;
      }
      if (held === null) {
        held = { ...(await this.load(task, head, patience)), reported: -1 };
        fresh = true;
        if (wentBack()) continue;
      }
      const decision = task.decide(held.state);
      const nothing = !decision.ok || decision.events.length === 0;
      if (nothing && !fresh && !(decision.ok && decision.knownRevision !== undefined)) {
        // Neither a refusal nor "it is so already" is answered on a state that may be old.
        held = null;
        continue;
      }
      if (!decision.ok) throw new CommandRefusedError([named(decision.refusal, task.id)]);
      if (nothing) {
        const result = await this.nothingAdded(task, held, decision.knownRevision, patience, wentBack);
        if (result !== null) return result;
        continue;
      }

      const prepared = this.prepare(task, held.state, decision.events);
      if (patience.over) throw new NoLongerAwaited();
      if (task.options.mayAppend?.() === false) {
        throw new FencedError(`Nothing was appended to ${task.stream}: this process may not append now.`);
      }
      const append = {
        stream: task.stream,
        expected: prepared.expected,
        events: prepared.newEvents,
        lane: task.subject.lane,
      };
      let settled: Settled = await sender.settle(append, patience, endTurn, wentBack);
      for (let seen = era; settled.kind === 'landed' && this.forgotten !== seen;) {
        // What has acknowledged it may be the log that was lost, or the one that took its place.
        seen = this.forgotten;
        settled = await sender.stands(append, patience, endTurn);
      }
      switch (settled.kind) {
        case 'landed':
          this.ports.appended(settled.position);
          // What it was folded from may be of the lost log: it is read again by whoever comes next.
          if (!wentBack()) this.ports.states.put(task.stream, { state: prepared.after, position: settled.position });
          return executed(task, prepared, settled);
        case 'undecided':
          patience.end('closed');
          throw new NoLongerAwaited();
        case 'refused':
          throw new CommandUnavailableError(
            `The store refuses the append to ${task.stream} (${settled.code}): ${settled.message}`,
          );
        case 'unwritten':
          await this.wait(
            backoff({ initialMs: options.retryInitialMs, maxMs: options.retryMaxMs }, unwritten, random),
            patience,
          );
          unwritten += 1;
          break;
        case 'moved':
          head = Math.max(head, settled.head);
          if (settled.head < prepared.expected) head = settled.head;
          held = null;
          fresh = false;
          conflicts += 1;
          this.giveUpAfter(task, conflicts, decision.events);
          // One other decision is met at once; those that go on losing are many, and give way to each other.
          if (conflicts > 1)
            await this.wait(
              backoff({ initialMs: options.conflictBackoffMs, maxMs: options.retryMaxMs }, conflicts - 2, random),
              patience,
            );
          break;
      }
      if (patience.over) throw new NoLongerAwaited();
    }
  }

  /** The newest state at hand without a read. `reported`: what the store itself has said the stream's revision is at least. */
  private startFrom<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    task: Task<State, Event>,
  ): (Held<State> & { readonly reported: number }) | null {
    const recent = this.ports.states.get<State>(task.stream);
    const reported = recent?.state.revision ?? -1;
    const { known } = task;
    if (known !== null && known.revision > reported) return { state: known, position: null, reported };
    return recent === null ? null : { ...recent, reported };
  }

  private async load<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    task: Task<State, Event>,
    head: number,
    patience: Patience,
  ): Promise<Held<State>> {
    const { forgotten } = this;
    const base = this.ports.states.get<State>(task.stream);
    const least = (): number => (this.forgotten === forgotten ? head : -1);
    const held = await this.ports.loader.load(task.subject, task.stream, task.id, least, base, patience);
    if (this.forgotten === forgotten) this.ports.states.put(task.stream, held);
    return held;
  }

  private prepare<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    task: Task<State, Event>,
    state: State,
    decided: readonly Event[],
  ): Prepared<State, Event> {
    const { subject } = task;
    const { options } = this.ports;
    const events = [...decided];
    const metadata = metadataOf(task);
    let after = decided.reduce((s, event) => subject.evolve(s, event, s.revision + 1), state);
    const encoded = decided.map((event) => subject.encode(event));
    const bytes = encoded.reduce((sum, one) => sum + sizeOf(one, metadata(one)), 0);
    if (bytes > options.maxAppendBytes) throw new CommandRefusedError([tooLarge(bytes, options.maxAppendBytes)]);
    const books = subject.closeBooks(after, options.booksEvery);
    if (books !== null) {
      const closing = subject.encode(books);
      if (bytes + sizeOf(closing, metadata(closing)) <= options.maxAppendBytes) {
        events.push(books);
        encoded.push(closing);
        after = subject.evolve(after, books, after.revision + 1);
      } else {
        this.ports.logger.warn('job.books-too-large', { id: task.id, revision: after.revision });
      }
    }
    const expected = state.revision < 0 ? 'no_stream' : state.revision;
    const ids = this.ports.eventIds(task.commandId, task.stream, expected, encoded);
    const newEvents = encoded.map((one, i) => ({
      id: ids[i],
      type: one.type,
      data: one.data,
      metadata: metadata(one),
    }));
    return { events, newEvents, expected: state.revision, after };
  }

  /** It is so already, or the command is known: then its first result is read back. Null: the log went back meanwhile. */
  private async nothingAdded<State extends { readonly revision: number }, Event extends { readonly type: string }>(
    task: Task<State, Event>,
    held: Held<State>,
    knownRevision: number | undefined,
    patience: Patience,
    wentBack: () => boolean,
  ): Promise<Executed<State, Event> | null> {
    const { state } = held;
    const nothing = { id: task.id, added: 0, firstRevision: 0, events: [], state };
    if (knownRevision === undefined && held.position !== null) {
      return { ...nothing, revision: state.revision, position: held.position };
    }
    const from = knownRevision ?? state.revision;
    const [first, ...following] = await this.ports.loader.readFrom(task.stream, from, 64, patience, wentBack);
    // The log that held it is lost.
    if (first === undefined || wentBack()) return null;
    // Events of one append say the same of where they came from; the first result ends with the last of them.
    let last = first;
    for (const event of following) {
      if (knownRevision === undefined || originOf(event.metadata) !== originOf(first.metadata)) break;
      last = event;
    }
    return { ...nothing, revision: last.revision, position: last.position };
  }

  private giveUpAfter(
    task: { readonly stream: string },
    conflicts: number,
    events: readonly { readonly type: string }[],
  ): void {
    const late = events.every((event) => event.type === 'JobRunOutcomeRefused');
    const most = late
      ? Math.min(REFUSED_OUTCOME_TRIES, this.ports.options.maxConflicts)
      : this.ports.options.maxConflicts;
    if (conflicts < most) return;
    this.ports.logger.warn('command.lost-races', { stream: task.stream, conflicts });
    throw new CommandUnavailableError(
      `${task.stream} changed ${conflicts} times while this command was decided. Nothing was written; send it again.`,
    );
  }

  private async wait(delayMs: number, patience: Patience): Promise<void> {
    if (patience.over) return;
    await this.ports.clock.sleep(delayMs, patience.signal);
  }
}

function executed<State extends { readonly revision: number }, Event extends { readonly type: string }>(
  { id }: Task<State, Event>,
  { events, expected, after }: Prepared<State, Event>,
  { revision, position }: Extract<Settled, { kind: 'landed' }>,
): Executed<State, Event> {
  return { id, revision, position, added: events.length, firstRevision: expected + 1, events, state: after };
}

function metadataOf(task: {
  readonly commandId: string;
  readonly options: ExecuteOptions;
}): (encoded: Encoded) => string {
  const { actor, correlationId, causationId } = task.options;
  return ({ schemaVersion }) =>
    JSON.stringify({
      $correlationId: correlationId ?? task.commandId,
      $causationId: causationId ?? task.commandId,
      ...(actor === undefined ? {} : { actor }),
      schemaVersion,
    });
}

function originOf(metadata: string): string {
  const { $correlationId, $causationId } = JSON.parse(metadata) as Record<string, unknown>;
  return JSON.stringify([$correlationId, $causationId]);
}

function sizeOf(encoded: Encoded, metadata: string): number {
  return Buffer.byteLength(encoded.type) + Buffer.byteLength(encoded.data) + Buffer.byteLength(metadata);
}

function tooLarge(bytes: number, most: number): Refusal {
  return {
    code: 'append-too-large',
    field: '',
    value: `${bytes} bytes`,
    rule: `The events of one command may have ${most} bytes together.`,
    remedy: 'Make the payload or the tag smaller, and pass a reference to large data instead of the data.',
  };
}

/** A state that is absent does not know its own id. */
function named(refusal: Refusal, id: string): Refusal {
  return refusal.code === 'job-unknown' && refusal.value === '' ? { ...refusal, value: id } : refusal;
}
