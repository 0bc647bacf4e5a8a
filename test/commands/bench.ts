import { SeededRandom, VirtualClock } from '../../src/clock';
import type { Candidate } from '../../src/domain/service';
import type { BindingReason } from '../../src/domain/job';
import type { RecordedEvent } from '../../src/event-store';
import type { LogFields, Logger } from '../../src/logging';
import type { ServiceDirectory } from '../../src/commands';
import { CommandExecutor, type ExecutorPorts } from '../../src/commands';
import { ScriptedStore } from './scripted-store';

/** An executor on a scripted store and a clock that the specification turns. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly random = new SeededRandom(7);
  readonly store = new ScriptedStore(this.clock);
  readonly services = new Map<string, Candidate>();
  readonly lines: { readonly fact: string; readonly fields: LogFields }[] = [];
  readonly executor: CommandExecutor;

  constructor(private readonly more: Partial<ExecutorPorts> = {}) {
    this.executor = this.another();
  }

  /** Another process on the same store. */
  another(more: Partial<ExecutorPorts> = {}): CommandExecutor {
    return new CommandExecutor({
      store: this.store.port(),
      clock: this.clock,
      random: this.random,
      clusterTime: { now: () => this.clock.wall() },
      zoneData: '2025c',
      namespace: '',
      directory: this.directory(),
      logger: this.logger(),
      ...this.more,
      ...more,
    });
  }

  /** Turns the clock until the promise has settled; gives its value or throws its error. */
  async settled<T>(work: Promise<T>): Promise<T> {
    let done = false;
    void work.then(
      () => (done = true),
      () => (done = true),
    );
    await this.clock.runUntil(() => done, { limitMs: 3_600_000, what: 'the command to settle' });
    return work;
  }

  /** Settles and gives the error, which there must be. */
  async failure(work: Promise<unknown>): Promise<Error & { readonly code?: string; readonly commandId?: string }> {
    try {
      await this.settled(work);
    } catch (error) {
      if (error instanceof Error) return error;
      throw error;
    }
    throw new Error('The command was expected to fail, and did not.');
  }

  async events(stream: string): Promise<readonly RecordedEvent[]> {
    return (await this.store.memory.readStream(stream, { direction: 'forwards', limit: 10_000 })).events;
  }

  async types(stream: string): Promise<readonly string[]> {
    return (await this.events(stream)).map((event) => event.type);
  }

  private directory(): ServiceDirectory {
    return {
      candidate: (serviceId) => {
        const candidate = this.services.get(serviceId);
        return candidate === undefined ? null : { candidate, position: 7n };
      },
    };
  }

  private logger(): Logger {
    const line = (fact: string, fields: LogFields = {}): void => void this.lines.push({ fact, fields });
    const logger: Logger = { debug: line, info: line, warn: line, error: line, child: () => logger };
    return logger;
  }
}

export function candidate(serviceId: string, more: Partial<Candidate> = {}): Candidate {
  return {
    serviceId,
    incarnation: `${serviceId}-1`,
    labels: { host: 'h', name: serviceId },
    handlers: ['audit'],
    life: 'live',
    capacity: { maxOwnedJobs: 100, maxConcurrentRuns: 4 },
    owned: 0,
    registeredAt: 0,
    placementVersion: 1,
    ...more,
  };
}

export function why(first: string): BindingReason {
  return { kind: 'claim', rank: 0, candidates: 1, first, placementVersion: 1, labelsMatch: true };
}
