import { decode, encode, type DomainEvent, type UnreadableEvent } from '../../domain/codec';
import { absentJob, decide, evolve, type JobEvent, type JobState } from '../../domain/job';
import { differences } from './diff';
import { SpecificationFailed } from './runner';
import type { Given, Specification } from './specification';

/** An event as the log has it: texts. */
export interface Written {
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

export interface GivenLog {
  /** One append for each event that was given, and for each command that was given and added something. */
  readonly appends: readonly (readonly Written[])[];
  /** The fold of all of them. */
  readonly state: JobState;
}

const UNREADABLE_VERSION = 1_000_000;

/**
 * Writes what was given and reads it back; commands are decided on what is before them.
 * @throws SpecificationFailed when a given command is refused, or an event is not read back as it was written.
 */
export function writeGiven({ name, given }: Specification, runner: string): GivenLog {
  const appends: Written[][] = [];
  let state: JobState = absentJob;
  const fail = (n: number, ...lines: readonly string[]): never => {
    throw new SpecificationFailed(name, runner, [`  given ${n}:`, ...lines.map((line) => `    ${line}`)]);
  };
  given.forEach((part, n) => {
    const events = decided(part, state, (why) => fail(n, why));
    const written = events.map((event) => write(event, String(n)));
    if (written.length > 0) appends.push(written);
    written.forEach((one, i) => {
      const event = readBack(one, events[i], (lines) => fail(n, ...lines));
      state = evolve(state, event, state.revision + 1);
    });
  });
  return { appends, state };
}

/** Writes an event of the domain and reads it back. `lost` is told how what was read differs. */
export function throughText(event: JobEvent, lost: (lines: readonly string[]) => never): JobEvent {
  return readBack(write(event, ''), event, lost) as JobEvent;
}

function decided(
  part: Given,
  state: JobState,
  refused: (why: string) => never,
): readonly (JobEvent | UnreadableEvent)[] {
  if (!('kind' in part)) return [part];
  const decision = decide(state, part);
  if (decision.ok) return decision.events;
  const { code, rule } = decision.refusal;
  return refused(`${part.kind} is refused: ${code} (${rule})`);
}

function write(event: JobEvent | UnreadableEvent, origin: string): Written {
  const correlation = { $correlationId: `given-${origin}`, $causationId: `given-${origin}` };
  if (event.type === '$unreadable') {
    const metadata = JSON.stringify({ ...correlation, schemaVersion: UNREADABLE_VERSION });
    return { type: event.originalType, data: '{}', metadata };
  }
  const { type, data, schemaVersion } = encode(event);
  return { type, data, metadata: JSON.stringify({ ...correlation, schemaVersion }) };
}

function readBack(
  written: Written,
  event: JobEvent | UnreadableEvent,
  lost: (lines: readonly string[]) => never,
): JobEvent | UnreadableEvent {
  const read: DomainEvent | UnreadableEvent = decode(written.type, written.data, written.metadata);
  if (event.type === '$unreadable') return read as UnreadableEvent;
  if (read.type === '$unreadable') return lost([`${event.type} cannot be read back: ${read.why}`]);
  const differ = differences(event.data, read.data);
  if (differ.length > 0) return lost([`${event.type} is not read back as it was written:`, ...differ]);
  return read as JobEvent;
}
