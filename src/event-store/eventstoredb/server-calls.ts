import type { AppendResult, EventData } from '@eventstore/db-client';
import type { Clock } from '../../clock';
import { StoreUnavailableError } from '../port';
import type { StoreCredentials } from './connection-string';
import type { FoundEvent, FoundStream, LogClient } from './log-client';
import { accessRemedy, factsOf, isAccessDenied, isNoStream, isNotLeader, words } from './outcome';
import type { Reachability } from './reachability';

export interface CallPorts {
  readonly client: LogClient;
  readonly clock: Clock;
  readonly credentials: StoreCredentials;
  readonly reachability: Reachability;
  /** In messages. Shows no secret. */
  readonly server: string;
  /** A read that takes longer has failed, ms: the client itself waits for ever. */
  readonly readTimeoutMs: number;
  /** An append that takes longer has an unknown outcome, ms. */
  readonly appendTimeoutMs: number;
}

type Direction = 'forwards' | 'backwards';

/** How often a read follows a leader that has changed, before it fails. */
const MOST_TURNS = 3;
/** The call's own deadline ends it first; this one is for what comes before the call, such as the search for a node. */
const BEYOND_DEADLINE_MS = 250;

/** An append had no answer in time. */
export class AppendTimeoutError extends Error {
  override readonly name = 'AppendTimeoutError';
}

/** The calls that are made of the server: to the leader, with a deadline, and with credentials each. */
export class ServerCalls {
  private closed = false;

  constructor(private readonly ports: CallPorts) {}

  /** No call is made any more: the client would connect once more. */
  close(): void {
    this.closed = true;
  }

  /** @param from 'start', 'end', or a revision (inclusive). @returns null: there is no such stream. @throws StoreUnavailableError */
  async readStream(
    stream: string,
    direction: Direction,
    from: 'start' | 'end' | bigint,
    maxCount: number,
  ): Promise<FoundEvent[] | null> {
    const { client } = this.ports;
    try {
      return await this.read(() =>
        client.readStream(stream, { direction, fromRevision: from, maxCount, ...this.options() }),
      );
    } catch (error) {
      if (isNoStream(error)) return null;
      throw this.unreadable(error);
    }
  }

  /** A page of `$all`, the server's own events among them. @param from inclusive forwards. Rejects with what the client throws. */
  async readAll(direction: Direction, from: 'start' | 'end' | bigint, maxCount: number): Promise<FoundEvent[]> {
    const { client } = this.ports;
    const fromPosition = typeof from === 'bigint' ? { commit: from, prepare: from } : from;
    return this.read(() => client.readAll({ direction, fromPosition, maxCount, ...this.options() }));
  }

  /** Rejects with what the client throws, and with AppendTimeoutError. */
  async append(
    stream: string,
    expectedRevision: bigint | 'no_stream' | 'any',
    events: EventData[],
  ): Promise<AppendResult> {
    const { client, appendTimeoutMs } = this.ports;
    return this.inTime(() =>
      client.appendToStream(stream, events, { expectedRevision, deadline: appendTimeoutMs, ...this.options() }),
    );
  }

  /** Replaces the metadata of a stream as a whole. Rejects like `append`. */
  async replaceMetadata(
    stream: string,
    expectedRevision: bigint | 'no_stream',
    metadata: Record<string, unknown>,
  ): Promise<void> {
    const { client, appendTimeoutMs } = this.ports;
    await this.inTime(() =>
      client.setStreamMetadata(stream, metadata, { expectedRevision, deadline: appendTimeoutMs, ...this.options() }),
    );
  }

  /** What a read says to the port's caller. */
  unreadable(error: unknown): StoreUnavailableError {
    if (error instanceof StoreUnavailableError) return error;
    const { server } = this.ports;
    const message = words(factsOf(error));
    if (isAccessDenied(error))
      return new StoreUnavailableError(`${server} denies access: ${message}.`, 'access-denied', accessRemedy(error), {
        cause: error,
      });
    return new StoreUnavailableError(
      `${server} cannot be read now: ${message}.`,
      'unavailable',
      'Try again when the server is reachable.',
      { cause: error },
    );
  }

  /** Of every call: whose it is, and that the leader has to answer it. The credentials make the client send each append as a call of its own. */
  private options() {
    return { credentials: this.ports.credentials, requiresLeader: true };
  }

  private assertOpen(): void {
    if (this.closed) throw new StoreUnavailableError(`${this.ports.server} is closed.`, 'closed', 'Open it again.');
  }

  private async inTime<T>(call: () => Promise<T>): Promise<T> {
    const { clock, appendTimeoutMs, reachability } = this.ports;
    this.assertOpen();
    const called = call();
    const ms = appendTimeoutMs + BEYOND_DEADLINE_MS;
    try {
      const result = await new Promise<T>((resolve, reject) => {
        const late = () => reject(new AppendTimeoutError(`no answer within ${ms} ms`));
        const timer = clock.setTimer(ms, late, { name: 'append-deadline' });
        called.then(resolve, reject).finally(() => timer.cancel());
      });
      reachability.answered();
      return result;
    } catch (error) {
      if (isSilence(error)) reachability.failed(words(factsOf(error)));
      throw error;
    }
  }

  private async read(open: () => FoundStream): Promise<FoundEvent[]> {
    const { reachability } = this.ports;
    for (let turn = 1; ; turn++) {
      this.assertOpen();
      try {
        const found = await this.collect(open());
        reachability.answered();
        return found;
      } catch (error) {
        if (isNotLeader(error) && turn < MOST_TURNS) {
          // The client goes to the leader that it was told of.
          await this.ports.clock.yield();
          continue;
        }
        if (isSilence(error)) reachability.failed(words(factsOf(error)));
        throw error;
      }
    }
  }

  private collect(stream: FoundStream): Promise<FoundEvent[]> {
    const { clock, readTimeoutMs } = this.ports;
    const found: FoundEvent[] = [];
    return new Promise((resolve, reject) => {
      const timer = clock.setTimer(
        readTimeoutMs,
        () => {
          stream.cancel?.().catch(() => undefined);
          fail(new Error(`no answer within ${readTimeoutMs} ms`));
        },
        { name: 'read-deadline' },
      );
      const fail = (error: Error): void => {
        timer.cancel();
        reject(error);
        stream.destroy();
      };
      // The listener stays: the client reports some errors twice, and one that nobody hears ends the process.
      stream.on('error', fail);
      stream.on('data', (event: FoundEvent) => found.push(event));
      stream.on('end', () => {
        timer.cancel();
        resolve(found);
      });
      stream.on('close', () => fail(new Error('the read was broken off')));
    });
  }
}

/** Errors in which the server does not say anything about what was asked for. */
function isSilence(error: unknown): boolean {
  const { type, code } = factsOf(error);
  return type === undefined || type === 'unavailable' || type === 'deadline-exceeded' || code === 14;
}
