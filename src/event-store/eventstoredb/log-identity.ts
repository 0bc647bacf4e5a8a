import type { Clock, Random } from '../../clock';
import { StoreUnavailableError, type LogIdentity, type LogPosition } from '../port';
import { generationsUsedUp, LAST_GENERATION } from '../read-check';
import { positionOf, toServer } from './event-text';
import type { LogNames } from './log-names';
import { outcomeOf } from './outcome';
import { Retention } from './retention';
import type { ServerCalls } from './server-calls';

interface Known {
  readonly identity: LogIdentity;
  /** Nothing of the log lies before. */
  readonly origin: LogPosition;
  readonly revision: bigint;
}

const TYPE = 'LogIdentified';
/** How often an append without a definite answer, or one that another process was faster with, is tried again. */
const MOST_TRIES = 8;
const REST_MS = 100;

/**
 * Who the log is: a stream of one event (`$maxCount` 1), made before anything else of the log is written. So its first event tells where the
 * log begins on a server that holds others; later ones name that position.
 */
export class IdentityStream {
  private known: Promise<Known> | null = null;
  private kept = false;
  private readonly retention: Retention;

  constructor(
    private readonly calls: ServerCalls,
    private readonly names: LogNames,
    private readonly ports: { readonly clock: Clock; readonly random: Random; readonly make: boolean },
  ) {
    this.retention = new Retention(calls);
  }

  /** As the server has it now. Makes the log when there is none. @throws StoreUnavailableError */
  async identity(): Promise<LogIdentity> {
    return (await this.look()).identity;
  }

  /** Where the log begins; read once. @throws StoreUnavailableError */
  async origin(): Promise<LogPosition> {
    return (await (this.known ?? this.look())).origin;
  }

  /** Each call raises by one, whoever else does so at the same time. @throws StoreUnavailableError, RangeError */
  async raise(): Promise<LogIdentity> {
    const id = this.newId();
    await this.keepOne();
    for (let tries = 1; ; tries++) {
      const { identity, origin, revision } = await this.look();
      if (identity.generation >= LAST_GENERATION) throw generationsUsedUp();
      const raised = { ...identity, generation: identity.generation + 1 };
      const written = await this.write(id, revision, { ...raised, since: String(origin) });
      if (written) return raised;
      if (tries === MOST_TRIES) throw this.notWritten('others raise it at the same time');
    }
  }

  private look(): Promise<Known> {
    const looking = this.readOrMake();
    this.known = looking;
    looking.catch(() => {
      if (this.known === looking) this.known = null;
    });
    return looking;
  }

  private async readOrMake(): Promise<Known> {
    for (let tries = 1; ; tries++) {
      const found = await this.read();
      if (found !== null) return found;
      if (!this.ports.make) throw this.noLog();
      const identity = { id: this.newId(), generation: 1 };
      if (tries === MOST_TRIES) throw this.notWritten('it is not read back');
      if (await this.write(this.newId(), 'no_stream', identity)) await this.keepOne();
    }
  }

  private async keepOne(): Promise<void> {
    if (this.kept) return;
    await this.retention.keepLast(this.names.identity, 1);
    this.kept = true;
  }

  private async read(): Promise<Known | null> {
    const [found] = (await this.calls.readStream(this.names.identity, 'backwards', 'end', 1)) ?? [];
    if (found?.event === undefined) return null;
    const { revision, data } = found.event;
    const { id, generation, since } = this.identified(data);
    // Without a word about it only the very first event tells where the log began: a stream that was deleted goes on with a later one.
    const origin = since === undefined ? (revision === 0n ? positionOf(found) : 'start') : since;
    return { identity: { id, generation }, origin: origin === 'start' ? 'start' : BigInt(origin), revision };
  }

  /** Until the answer is definite: the same event at the same revision is written once. @returns false: another one is there. */
  private async write(id: string, expected: bigint | 'no_stream', data: object): Promise<boolean> {
    const event = toServer({ id, type: TYPE, data: JSON.stringify(data), metadata: '{}' });
    for (let tries = 1; ; tries++) {
      try {
        await this.calls.append(this.names.identity, expected, [event]);
        return true;
      } catch (error) {
        const became = outcomeOf(error);
        if (became.outcome === 'conflict') return false;
        if (became.outcome === 'unavailable') throw this.calls.unreadable(error);
        if (became.outcome === 'refused' || tries === MOST_TRIES) throw this.notWritten(became.message, error);
      }
      await this.ports.clock.sleep(REST_MS * (0.5 + this.ports.random.next()));
    }
  }

  /** @throws StoreUnavailableError `foreign`: nobody of ours has written that. */
  private identified(data: unknown): { readonly id: string; readonly generation: number; readonly since?: string } {
    const { id, generation, since } = (typeof data === 'object' && data !== null ? data : {}) as Record<
      string,
      unknown
    >;
    const isOurs =
      typeof id === 'string' &&
      Number.isSafeInteger(generation) &&
      (since === undefined || (typeof since === 'string' && /^(start|\d+)$/.test(since)));
    if (isOurs) return { id, generation: generation as number, since: since as string | undefined };
    throw new StoreUnavailableError(
      `The stream ${this.names.identity} holds something else than the identity of a log.`,
      'foreign',
      'Look who else writes on this server, and choose a namespace that nobody else has.',
    );
  }

  private noLog(): StoreUnavailableError {
    const { namespace } = this.names;
    return namespace === ''
      ? new StoreUnavailableError('There is no log here yet.', 'no-log', 'Start a service with it first.')
      : new StoreUnavailableError(
          `There is no log of namespace ${namespace} here yet.`,
          'no-log',
          'Check the namespace, or start a service with it first.',
        );
  }

  private newId(): string {
    const { random, clock } = this.ports;
    return random.uuid(clock.wall());
  }

  private notWritten(why: string, cause?: unknown): StoreUnavailableError {
    return new StoreUnavailableError(`The identity of the log was not written: ${why}.`, 'unavailable', undefined, {
      cause,
    });
  }
}
