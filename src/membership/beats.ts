import type { Clock, ClusterTime, Random, Timer } from '../clock';
import { encode } from '../domain/codec';
import type { ServiceHeartbeat } from '../domain/service';
import type { EventStore } from '../event-store';
import type { Logger } from '../logging';
import { keptBeats } from './kept-beats';
import type { LivenessOptions } from './options';
import { readClocks, type Reading } from './reading';

export interface BeatsPorts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly clusterTime: ClusterTime;
  readonly random: Random;
  readonly logger: Logger;
  readonly counts: () => { readonly owned: number; readonly running: number };
}

export interface BeatsOptions {
  readonly serviceId: string;
  readonly stream: string;
  readonly liveness: LivenessOptions;
}

/** A beat that was sent, until it is read back. */
interface Sent {
  readonly start: Reading;
  readonly incarnation: string;
  acknowledged: number | null;
}

const MOST_OUTSTANDING = 2;
const KEPT_SENT = 64;

/**
 * Sends one heartbeat per beat time for one incarnation at a time (protocol 5.1): at most two are under way, an old one is never sent again, and
 * none is sent before a pass over the due queue has been completed since the last.
 */
export class Beats {
  private incarnation: string | null = null;
  private sequence = 0;
  private outstanding = 0;
  private timer: Timer | null = null;
  private expectedAt = 0;
  private loopDelayMs = 0;
  private passed = true;
  /** The greatest revision that was acknowledged, and when. */
  private newest = { revision: -1, acknowledged: -Infinity };
  private readonly sent = new Map<string, Sent>();
  /** Counts the logs that were gone back from: an answer of a former one says nothing about this one. */
  private era = 0;
  private limited = false;

  constructor(
    private readonly ports: BeatsPorts,
    private readonly options: BeatsOptions,
    private readonly on: {
      /** Acknowledged now; it began at `start`. */
      readonly acknowledged: (incarnation: string, start: Reading) => void;
      /** The log answered with a revision that it had given before: it went back in time. */
      readonly wentBack: () => void;
      /** A pass must have been completed since the last beat, or none is sent. */
      readonly needsPass: () => boolean;
      /** The service must not be heard as alive now: nothing is sent. */
      readonly withheld: () => boolean;
      /** A pass is wanted before the next beat is due. */
      readonly wantPass: () => void;
    },
  ) {}

  /** Beats for this incarnation from now on, the first one at once. */
  start(incarnation: string): void {
    if (this.incarnation !== incarnation) this.sequence = 0;
    this.incarnation = incarnation;
    this.passed = true;
    this.next(0);
  }

  stop(): void {
    this.incarnation = null;
    this.timer?.cancel();
    this.timer = null;
  }

  get beating(): string | null {
    return this.incarnation;
  }

  passCompleted(): void {
    this.passed = true;
  }

  /** One more beat, out of turn: a suspecting observer moves its watermark. */
  probe(): void {
    this.sendIfDue(true);
    this.on.wantPass();
  }

  /** A beat that cannot be made is none: trust runs out, and whoever is asked for the counts is asked again. */
  private sendIfDue(probe: boolean): void {
    const unsent = (error: unknown) => this.ports.logger.error('beat.not-sent', { error: String(error) });
    try {
      if (this.incarnation === null || !this.maySend()) return;
      this.passed = false;
      this.send(this.incarnation, probe).catch(unsent);
      void this.limit();
    } catch (error) {
      unsent(error);
    }
  }

  /** How many beats the log keeps: told to it once, and again with the next beat when it did not answer. */
  private async limit(): Promise<void> {
    if (this.limited) return;
    this.limited = true;
    const { stream, liveness } = this.options;
    try {
      await this.ports.store.keepLast(stream, keptBeats(liveness));
    } catch (error) {
      this.limited = false;
      this.ports.logger.debug('beats.not-limited', { error: String(error) });
    }
  }

  private maySend(): boolean {
    return this.outstanding < MOST_OUTSTANDING && (this.passed || !this.on.needsPass()) && !this.on.withheld();
  }

  /** An own beat came back through the subscription: when it began and was acknowledged. Null: not sent by this process. */
  readBack({ data }: ServiceHeartbeat): { readonly start: Reading; readonly acknowledged: number } | null {
    const key = keyOf(data.incarnation, data.sequence);
    const sent = this.sent.get(key);
    if (sent === undefined) return null;
    this.sent.delete(key);
    return { start: sent.start, acknowledged: sent.acknowledged ?? this.ports.clock.monotonic() };
  }

  /** The log is another one now: its revisions begin anew. */
  forgetRevisions(): void {
    this.newest = { revision: -1, acknowledged: -Infinity };
    this.sent.clear();
    this.limited = false;
    this.era++;
  }

  private next(delayMs: number): void {
    this.timer?.cancel();
    this.expectedAt = this.ports.clock.monotonic() + delayMs;
    this.timer = this.ports.clock.setTimer(delayMs, () => this.tick(), { name: 'beat' });
  }

  private tick(): void {
    const { clock } = this.ports;
    const late = clock.monotonic() - this.expectedAt;
    this.loopDelayMs = Math.max(this.loopDelayMs, late);
    if (this.incarnation === null) return;
    this.sendIfDue(false);
    // Due jobs wake the worker; when there are none, or the log stands still, the beat asks for the pass that it waits for.
    this.on.wantPass();
    this.next(this.options.liveness.beatMs);
  }

  private async send(incarnation: string, probe: boolean): Promise<void> {
    const { store, clock, clusterTime, random, counts } = this.ports;
    const { serviceId, stream, liveness } = this.options;
    const sequence = ++this.sequence;
    const at = clusterTime.now();
    const heartbeat: ServiceHeartbeat = {
      type: 'ServiceHeartbeat',
      data: {
        at,
        serviceId,
        incarnation,
        sequence,
        ...counts(),
        loopDelayMs: Math.round(this.loopDelayMs),
        clockSkewMs: Math.round(clock.wall() - at),
        probe,
      },
    };
    this.loopDelayMs = 0;
    const { type, data, schemaVersion } = encode(heartbeat);
    const event = { id: random.uuid(clock.wall()), type, data, metadata: JSON.stringify({ schemaVersion }) };

    const { era } = this;
    const start = readClocks(clock);
    const sent: Sent = { start, incarnation, acknowledged: null };
    this.sent.set(keyOf(incarnation, sequence), sent);
    if (this.sent.size > KEPT_SENT) this.sent.delete(this.sent.keys().next().value as string);
    this.outstanding++;
    let waiting = true;
    const giveUp = clock.setTimer(
      liveness.selfFenceAfterMs / 4,
      () => {
        waiting = false;
        this.outstanding--;
      },
      { name: 'beat-timeout', keepAlive: false },
    );
    const outcome = await store.append(stream, 'any', [event], { lane: 'urgent' });
    giveUp.cancel();
    if (waiting) this.outstanding--;
    // After the time-out the place is free for a new beat; a late answer is still one: trust counts from the start of the beat.
    if (outcome.outcome !== 'appended' || era !== this.era) return;
    const acknowledged = clock.monotonic();
    sent.acknowledged = acknowledged;
    const { revision } = outcome;
    // Two beats under way may be answered in either order; one that began after the other's answer may not come before it.
    const back = revision <= this.newest.revision && start.monotonic > this.newest.acknowledged;
    if (revision > this.newest.revision) this.newest = { revision, acknowledged };
    if (back) this.on.wentBack();
    else this.on.acknowledged(incarnation, start);
  }
}

function keyOf(incarnation: string, sequence: number): string {
  return `${incarnation} ${sequence}`;
}
