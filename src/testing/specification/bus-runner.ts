import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { SeededRandom, VirtualClock } from '../../clock';
import {
  CommandExecutor,
  commandHandlers,
  CommandRefusedError,
  jobStream,
  withOptions,
  type CommandToJob,
  type ServiceDirectory,
} from '../../commands';
import type { JobCommand, JobState } from '../../domain/job';
import { MemoryEventStore, type EventStore, type RecordedEvent } from '../../event-store';
import { silentLogger } from '../../logging';
import { commandOf } from './command-of';
import { DefinitionHashes } from './definition-hashes';
import { writeGiven, type Written } from './given-log';
import { compare, SpecificationFailed, type Outcome, type SpecificationRunner } from './runner';
import { jobIdOf, type Specification } from './specification';

const executors = new WeakMap<CommandToJob, CommandExecutor>();

@Module({
  imports: [CqrsModule],
  providers: [
    {
      provide: CommandExecutor,
      // One bus serves all specifications; each has a log and an executor of its own.
      useValue: { execute: (command: CommandToJob) => executors.get(command)?.execute(command) },
    },
    ...commandHandlers,
  ],
})
class OnBus {}

let context: Promise<CommandBus> | null = null;

function commandBus(): Promise<CommandBus> {
  context ??= NestFactory.createApplicationContext(OnBus, { logger: false }).then((app) =>
    app.get(CommandBus, { strict: false }),
  );
  return context;
}

/**
 * The way of production: what was given is in a log in memory; the command is sent as its class over Nest's CommandBus, validated and
 * executed at its `at`; what it added is read back from the log.
 */
export const busRunner: SpecificationRunner = {
  name: 'command bus',
  async run(specification: Specification): Promise<void> {
    const { name, when, then } = specification;
    const { appends, state } = writeGiven(specification, 'command bus');
    const outcome = await send(jobIdOf(specification), appends, state, when);
    const diff = compare(then, outcome);
    if (diff.length > 0) throw new SpecificationFailed(name, 'command bus', diff);
  },
};

async function send(
  jobId: string,
  appends: readonly (readonly Written[])[],
  state: JobState,
  when: JobCommand,
): Promise<Outcome> {
  const clock = new VirtualClock(when.at);
  const random = new SeededRandom(1);
  const store = new MemoryEventStore({ clock, random });
  const stream = jobStream('', jobId);
  const hashes = new DefinitionHashes();
  const given = await writeLog(
    store,
    stream,
    appends,
    (one) => hashes.real(one),
    () => random.uuid(clock.wall()),
  );
  hashes.learnFrom(when);
  const executor = new CommandExecutor({
    store,
    clock,
    random,
    clusterTime: { now: () => when.at },
    zoneData: when.zoneData,
    namespace: '',
    directory: directoryOf(when),
    logger: silentLogger,
  });
  const message = withOptions(commandOf(jobId, when), { timeoutMs: Infinity });
  executors.set(message, executor);
  try {
    const result = await (await commandBus()).execute(message);
    if (result.added === 0) return { kind: 'nothing', knownRevision: knows(state, when) ? result.revision : null };
    const { events } = await store.readStream(stream, { direction: 'forwards', from: given, limit: 10_000 });
    return { kind: 'events', events: events.map((event) => asSpecified(event, when, hashes)) };
  } catch (error) {
    if (error instanceof CommandRefusedError) return { kind: 'refused', refusal: error.refusals[0] };
    throw error;
  } finally {
    await executor.close();
    await store.close();
  }
}

/** @returns how many events were written. */
async function writeLog(
  store: EventStore,
  stream: string,
  appends: readonly (readonly Written[])[],
  real: (written: Written) => Written,
  newId: () => string,
): Promise<number> {
  let count = 0;
  for (const append of appends) {
    const events = append.map((written) => ({ id: newId(), ...real(written) }));
    const answer = await store.append(stream, count === 0 ? 'no_stream' : count - 1, events);
    if (answer.outcome !== 'appended') throw new Error(`What was given cannot be written: ${JSON.stringify(answer)}`);
    count += events.length;
  }
  return count;
}

/** An operator's bind names a service; the specification says what it is like, and at which view position. */
function directoryOf(when: JobCommand): ServiceDirectory {
  return {
    candidate(serviceId) {
      if (when.kind !== 'BindJob' || when.service.serviceId !== serviceId) return null;
      return { candidate: when.service, position: BigInt(when.viewPosition) || 'start' };
    },
  };
}

function knows(state: JobState, when: JobCommand): boolean {
  const readable = state.stage === 'opaque' ? state.before : state;
  if (readable.stage === 'absent' || !('commandId' in when)) return false;
  return readable.commands.some((known) => known.id === when.commandId);
}

/** Of an operator's bind the class makes the reason, and a command id where none is given: the decider's specification is not about those. */
function asSpecified(
  { type, data }: RecordedEvent,
  when: JobCommand,
  hashes: DefinitionHashes,
): { readonly type: string; readonly data: unknown } {
  const { commandId, ...others } = hashes.specified(JSON.parse(data) as Record<string, unknown>);
  const made = when.kind === 'BindJob' && when.by === 'operator';
  const id = made ? when.commandId : commandId;
  const why = made && type === 'JobBoundToService' ? { why: when.why } : {};
  return { type, data: { ...others, ...why, ...(id === undefined ? {} : { commandId: id }) } };
}
