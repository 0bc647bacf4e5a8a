import type { Clock } from '../../clock';
import type { LogPosition, NewEvent } from '../../event-store';

/** A look at the clocks of a process. */
interface Look {
  readonly monotonic: number;
  readonly boot: number;
  /** Wall clock against monotonic time. */
  readonly wallOff: number;
  /** True time. */
  readonly at: number;
}

/** An append that may renew trust, from the moment in which the process began it. */
interface Asked extends Look {
  readonly type: string;
  readonly incarnation: string;
}

/** A wall clock that jumps by more than this is in doubt (protocol 5.2), ms; and what rounding may take of it. */
const JUMP_MS = 1_000;
const ROUNDING_MS = 10;
const KEPT_SENT = 256;
const KEPT_DECISIONS = 4_096;

/**
 * What the log has told one process, and what its clocks have done: by this the judge measures own trust (5.2), doubt about the wall clock, and a
 * view that is behind (5.12), without asking the code that it judges.
 */
export class Told {
  private incarnation: string | null = null;
  /** The newest append by which it may trust itself; null: none since the registration, or trust has expired. */
  private from: Asked | null = null;
  private expired = false;
  /** The newest append that each trust rested on which has ended, oldest first. */
  private readonly ended: Asked[] = [];
  /** Newest fact of a service that it has read. */
  upTo = 0n;
  /** When its newest heartbeat began, true time; null: it has sent none. */
  beatAt: number | null = null;
  /** Greatest generation of the log that it was told. */
  generation = 0;
  /** Generation of the log that it goes by: that which it was told first, or that of the last time that it noticed to have lost one; null: it knows none. */
  goesBy: number | null = null;
  /** First event of each append that it has sent → what it went by then. Sent again, an append is what it was. */
  private readonly decidedBy = new Map<string, number>();
  /** When the registration was sent first: what was begun before it counts for nothing. */
  private registeredAt = -Infinity;
  private jumpedAt = -Infinity;
  private readonly sent = new Map<string, Asked>();
  private readonly facts: { readonly position: bigint; readonly at: number }[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly trueTime: () => number,
    /** Of its clock against true time. */
    private readonly rate: number,
  ) {}

  /** The process sends this; null: it says nothing about trust. */
  asks(events: readonly NewEvent[]): Asked | null {
    const { id, type, data } = events[events.length - 1];
    if (type !== 'ServiceHeartbeat' && type !== 'ServiceReasserted' && type !== 'ServiceRegistered') return null;
    const { incarnation } = JSON.parse(data) as { incarnation: string };
    const asked = { type, incarnation, ...this.look() };
    if (type === 'ServiceHeartbeat') this.beatAt = asked.at;
    if (type === 'ServiceRegistered' && incarnation !== this.incarnation) this.begins(asked);
    this.sent.set(id, asked);
    if (this.sent.size > KEPT_SENT) this.sent.delete(this.sent.keys().next().value as string);
    return asked;
  }

  /** The log says who it is. */
  isTold(generation: number): void {
    this.generation = Math.max(this.generation, generation);
    this.goesBy ??= generation;
  }

  /** By the log of which generation the process has decided what it sends. */
  decided([{ id }]: readonly NewEvent[]): number {
    const goesBy = this.decidedBy.get(id) ?? this.goesBy ?? 0;
    this.decidedBy.set(id, goesBy);
    if (this.decidedBy.size > KEPT_DECISIONS) this.decidedBy.delete(this.decidedBy.keys().next().value as string);
    return goesBy;
  }

  /** The process hears that it was appended. */
  appended(asked: Asked, trustMs: number): void {
    if (asked.type === 'ServiceRegistered' || asked.monotonic < this.registeredAt) return;
    if (asked.incarnation !== this.incarnation || this.since(asked) >= trustMs) return;
    if (this.from !== null && !this.expired && this.since(this.from) >= trustMs) {
      this.expired = true;
      this.ended.push(this.from);
    }
    if (this.expired && asked.type !== 'ServiceReasserted') return;
    this.expired = false;
    if (this.from === null || asked.monotonic > this.from.monotonic) this.from = asked;
  }

  /** The log has refused it, for good: a registration that is sent later begins a life anew, whatever beats were acknowledged before it. */
  refused(asked: Asked): void {
    if (asked.type === 'ServiceRegistered' && asked.incarnation === this.incarnation) this.incarnation = null;
  }

  /** It reads an event of its own: with the first heartbeat of an incarnation trust begins, whatever its append was answered. */
  readBack(id: string, trustMs: number): void {
    const asked = this.sent.get(id);
    if (asked === undefined) return;
    this.sent.delete(id);
    if (asked.type === 'ServiceHeartbeat' && this.from === null) this.appended(asked, trustMs);
  }

  /** Its wall clock is put to another time, or went on while the machine slept. */
  jumped(byMs: number): void {
    if (Math.abs(byMs) > JUMP_MS + ROUNDING_MS) this.jumpedAt = this.clock.monotonic();
  }

  /** Why it cannot trust itself as this incarnation now; null: it can. */
  whyNoTrust(incarnation: string, trustMs: number): string | null {
    if (this.from === null || this.incarnation !== incarnation)
      return 'no heartbeat of this incarnation was acknowledged';
    const since = this.since(this.from);
    if (this.expired || since >= trustMs) return `the newest acknowledged heartbeat began ${Math.round(since)} ms ago`;
    const off = this.look().wallOff - this.from.wallOff;
    if (this.jumpedAt >= this.from.monotonic && Math.abs(off) > JUMP_MS + ROUNDING_MS)
      return `its wall clock has jumped by ${Math.round(off)} ms since the newest acknowledged heartbeat began`;
    return null;
  }

  /** True time at which the trust that a handler of this incarnation was entered in has run out, or will, if nothing renews it; null: there was none. */
  trustEnds(incarnation: string, enteredAt: number, trustMs: number): number | null {
    const all = this.from === null || this.expired ? this.ended : [...this.ended, this.from];
    const ends = all.filter((one) => one.incarnation === incarnation).map(({ at }) => at + trustMs / this.rate);
    return ends.find((end) => end >= enteredAt) ?? null;
  }

  /** Of a fact that its view must show: one that its membership has read, or an own append that was acknowledged. */
  knows(position: bigint): void {
    this.facts.push({ position, at: this.clock.monotonic() });
  }

  /** Its membership has read a fact of a service; heartbeats come and go, and nobody need notice that some are lost. */
  heard(position: bigint): void {
    this.knows(position);
    if (position > this.upTo) this.upTo = position;
  }

  /** For how long it has known of a fact that its view does not show, ms of its monotonic time. */
  viewBehindMs(view: LogPosition): number {
    if (view !== 'start') {
      const first = this.facts.findIndex(({ position }) => position > view);
      this.facts.splice(0, first < 0 ? this.facts.length : first);
    }
    return this.facts.length === 0 ? 0 : this.clock.monotonic() - this.facts[0].at;
  }

  /** What lay beyond is no more: no view will ever show it. */
  lost(head: bigint): void {
    const left = this.facts.filter(({ position }) => position <= head);
    this.facts.splice(0, this.facts.length, ...left);
  }

  /** It has noticed that the log is an older one. */
  forgetLog(): void {
    this.facts.length = 0;
    this.upTo = 0n;
  }

  private begins({ incarnation, monotonic }: Asked): void {
    if (this.from !== null && !this.expired) this.ended.push(this.from);
    this.incarnation = incarnation;
    this.registeredAt = monotonic;
    this.from = null;
    this.expired = false;
  }

  private look(): Look {
    const monotonic = this.clock.monotonic();
    return { monotonic, boot: this.clock.boot(), wallOff: this.clock.wall() - monotonic, at: this.trueTime() };
  }

  private since(look: Look): number {
    return Math.max(this.clock.monotonic() - look.monotonic, this.clock.boot() - look.boot);
  }
}
