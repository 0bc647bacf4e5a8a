import { userInfo } from 'node:os';
import { SystemClock, SystemRandom } from '../clock';
import {
  CommandExecutor,
  CommandRefusedError,
  type CommandToJob,
  type CommandToService,
  type JobExecution,
  type ServiceDirectory,
  type ServiceExecution,
} from '../commands';
import type { EventStore } from '../event-store';
import { silentLogger } from '../logging';
import { withLog } from './open-log';
import type { Call, LogOptions } from './options';
import { jsonLine, printable } from './output';
import { candidate, readService, readServices } from './service-streams';
import { UsageError } from './usage-error';

/** What every command that writes may be told. */
export interface SendOptions extends LogOptions {
  readonly reason?: string;
  readonly actor?: string;
  /** Makes a repetition add nothing. Default: a new one. */
  readonly commandId?: string;
  readonly timeout: number;
}

const SHOWN_SERVICES = 20;

/** `cli:<user>`. */
export function defaultActor(): string {
  try {
    return `cli:${userInfo().username}`;
  } catch {
    // A user that the machine has no name for.
    return `cli:${process.getuid?.() ?? 'unknown'}`;
  }
}

/**
 * Sends one command through the executor that services use, and tells what it added and what follows.
 * @param serviceId the service that the command has to know of, beforehand.
 */
export async function send<Execution extends JobExecution | ServiceExecution>(
  call: Call,
  options: SendOptions,
  make: (commandId: string) => Execution extends JobExecution ? CommandToJob : CommandToService,
  next: (answer: Execution) => string,
  serviceId?: string,
): Promise<void> {
  call.unreadableCode = 3;
  const actor = options.actor ?? defaultActor();
  if (!/^[^\p{Cc}]{1,200}$/u.test(actor)) {
    throw new UsageError('--actor: that is no name.', 'Give 1 to 200 characters, none of them a control character.');
  }
  const clock = new SystemClock();
  const random = new SystemRandom();
  const commandId = options.commandId ?? random.uuid(clock.wall());
  await withLog(
    options,
    async (store) => {
      const executor = new CommandExecutor({
        store,
        clock,
        random,
        clusterTime: { now: () => clock.wall() },
        zoneData: process.versions.tz ?? 'unknown',
        namespace: options.namespace,
        directory: await directoryOf(store, options.namespace, serviceId),
        logger: silentLogger,
      });
      try {
        const command = make(commandId);
        const answer = await executor.execute(command as CommandToJob, { actor, timeoutMs: options.timeout });
        await tell(call, options, { commandId, actor }, answer as unknown as Execution, next);
      } catch (error) {
        throw await withKnownServices(error, store, options.namespace);
      } finally {
        await executor.close();
      }
    },
    { readOnly: false },
  );
}

async function tell<Execution extends JobExecution | ServiceExecution>(
  { io }: Call,
  { json }: SendOptions,
  sent: { readonly commandId: string; readonly actor: string },
  answer: Execution,
  next: (answer: Execution) => string,
): Promise<void> {
  const { id, revision, position, added, events } = answer;
  const words = next(answer);
  if (json) {
    const types = events.map(({ type }) => type);
    await io.out.write(
      jsonLine({ id, added, events: types, revision, position: String(position), next: words, ...sent }),
    );
    return;
  }
  const what =
    added === 0
      ? `nothing was added: it is so already, or command ${sent.commandId} is known`
      : `added ${events.map(({ type }) => type).join(', ')}`;
  await io.out.write(
    `${printable(`${id}: ${what} (revision ${revision}, position ${position})`)}\n${printable(words)}\n`,
  );
}

/** The service as its own stream tells it: an operator's bind looks at its labels, handlers and life. */
async function directoryOf(store: EventStore, namespace: string, serviceId?: string): Promise<ServiceDirectory> {
  if (serviceId === undefined) return { candidate: () => null };
  const position = await store.head();
  const seen = await readService(store, namespace, serviceId, null);
  const found = seen === null ? null : candidate(seen);
  return { candidate: (id) => (found === null || id !== serviceId ? null : { candidate: found, position }) };
}

/** A misspelt service is answered with those that there are. */
async function withKnownServices(error: unknown, store: EventStore, namespace: string): Promise<unknown> {
  if (!(error instanceof CommandRefusedError) || error.code !== 'service-unknown') return error;
  const known = (await readServices(store, namespace, null)).map(({ state }) => state.serviceId);
  const more = known.length > SHOWN_SERVICES ? ` and ${known.length - SHOWN_SERVICES} more` : '';
  const list =
    known.length === 0 ? 'This log knows of none.' : `Known: ${known.slice(0, SHOWN_SERVICES).join(', ')}${more}.`;
  const [first] = error.refusals;
  return new CommandRefusedError([{ ...first, remedy: `${first.remedy} ${list}` }]);
}
