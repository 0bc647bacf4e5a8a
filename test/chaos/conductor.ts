import { setTimeout as rest } from 'node:timers/promises';
import { join } from 'node:path';
import { Aim } from './aim';
import { monoNow } from './diary';
import type { Fault } from './evidence';
import { isStopped, isWriting } from './locks';
import type { Place, Process } from './places';
import { kinds, type Kind, type Planned, type Stop } from './plan';
import { SmallFileSystem } from './small-file-system';

/** Whoever is met, so many others must stand: takeovers need somebody who takes over. */
const LEAST_LEFT = 2;
const POLL_MS = 20;
const FOUND_OUT_PATIENCE_MS = 60_000;
const ALLOCATED_MS = 10_000;
/** So much longer at most the faults go on when some kind is missing. */
const MISSING_MS = 180_000;

interface Made {
  readonly process: Process;
  readonly at: number;
  readonly atMono: number;
}

/** Makes the faults of a plan, several at a time. */
export class Conductor {
  readonly faults: Fault[] = [];
  /** What went wrong in itself. */
  readonly seen: string[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private readonly log: string;
  private readonly ledger: string;
  private readonly aim: Aim;
  /** Null: a full disk is the limit of a connection. */
  private readonly disk: SmallFileSystem | null;

  constructor(
    private readonly places: readonly Place[],
    { directory, logDirectory }: { readonly directory: string; readonly logDirectory: string },
    private readonly termBoundMs: number,
    private readonly tell: (words: string) => void,
  ) {
    this.log = join(logDirectory, 'log.sqlite');
    this.ledger = join(directory, 'ledger.sqlite');
    this.aim = new Aim(this.log);
    this.disk = SmallFileSystem.at(logDirectory);
  }

  /**
   * Fault after fault until then (monotonic), and until each of them is over. Where some kind was not made so often as `least` by then (the machine
   * is slow, or an aim was missed), those that are missing follow.
   */
  async make(plan: Iterator<Planned, never>, untilMono: number, least: number): Promise<void> {
    const missing = (kind: Kind) => this.faults.filter((fault) => fault.kind === kind).length < least;
    await this.deal(plan, untilMono);
    for (const end = untilMono + MISSING_MS; monoNow() < end && kinds.some(missing);) {
      const planned = plan.next().value;
      if (missing(planned.kind)) await this.deal([planned][Symbol.iterator](), end);
    }
  }

  private async deal(plan: Iterator<Planned, unknown>, untilMono: number): Promise<void> {
    for (let next = plan.next(); !next.done && monoNow() < untilMono; next = plan.next()) {
      await rest(Math.min(next.value.afterMs, Math.max(0, untilMono - monoNow())));
      const place = await this.choose(next.value, untilMono);
      if (place === null) break;
      this.strike(next.value, place);
    }
    await Promise.all(this.underWay);
  }

  private async choose({ kind, whom }: Planned, untilMono: number): Promise<Place | null> {
    for (; monoNow() < untilMono; await rest(POLL_MS)) {
      this.lookAfter();
      const steady = this.places.filter((place) => place.steady);
      // Who is stopped for long shall be in the middle of something that others take over meanwhile, or are about to.
      const inMidst = kind === 'long-stop' || kind === 'stop-at-the-threshold';
      const fit = inMidst ? steady.filter((place) => place.current.busy) : steady;
      if (steady.length > LEAST_LEFT && fit.length > 0) return fit[Math.floor(whom * fit.length)];
    }
    return null;
  }

  /** Nobody ends but by a fault. */
  lookAfter(): void {
    for (const place of this.places) {
      const { over, orders } = place.current;
      if (place.struck || over === null) continue;
      this.seen.push(`${orders.serviceId}: ended by itself, with ${over.signal ?? `code ${over.code}`}`);
      place.startAgain(false);
    }
  }

  private strike(planned: Planned, place: Place): void {
    place.struck = true;
    const fault = this.inflict(planned, place)
      .catch((error: unknown) => void this.seen.push(`${planned.kind}: ${String(error)}`))
      .finally(() => {
        place.struck = false;
        place.current.shake();
        this.underWay.delete(fault);
      });
    this.underWay.add(fault);
  }

  private async inflict({ kind, lastsMs, other }: Planned, place: Place): Promise<void> {
    const { current } = place;
    switch (kind) {
      case 'kill':
      case 'restart':
      case 'kill-appending': {
        const inCommit = kind === 'kill-appending' ? await this.aim.stop(current) : false;
        if (kind === 'kill-appending' && !inCommit) return;
        const made = this.begin(
          kind,
          current,
          `${inCommit ? 'in the middle of an append, ' : ''}away for ${lastsMs} ms`,
        );
        await current.kill();
        this.record(kind, made, { dead: true, inCommit });
        await rest(lastsMs);
        return place.startAgain(kind !== 'restart' && other);
      }
      case 'term':
        return this.term(place, lastsMs, other);
      case 'stop':
      case 'stop-at-the-threshold':
      case 'long-stop':
      case 'stop-in-commit':
        return this.stop(kind, current, lastsMs);
      case 'twin':
        return this.twin(place, lastsMs, other);
      case 'stall': {
        const made = this.begin(kind, current, `for ${lastsMs} ms`);
        current.tell({ kind: 'stall', ms: lastsMs });
        await rest(lastsMs);
        return this.record(kind, made);
      }
      case 'full':
        return this.full(current, lastsMs, other);
    }
  }

  /** Of all: the file system itself, if it is small enough; else, and of one: the limit of its connection to the log. */
  private async full(process: Process, lastsMs: number, ofAll: boolean): Promise<void> {
    const disk = ofAll ? this.disk : null;
    const all = ofAll ? this.places.map((one) => one.current) : [process];
    const words = disk === null ? (ofAll ? 'for all, ' : '') : 'the file system itself, ';
    const made = this.begin('full', process, `${words}for ${lastsMs} ms`);
    await disk?.fill();
    for (const one of all) one.tell({ kind: 'full', full: disk === null });
    await rest(lastsMs);
    // There is room yet in what SQLite has allocated before.
    for (const until = monoNow() + ALLOCATED_MS; !all.some((one) => one.wasRefused) && monoNow() < until;)
      await rest(POLL_MS);
    disk?.empty();
    for (const one of all) one.tell({ kind: 'full', full: false });
    this.record('full', made, { pids: all.map(({ pid }) => pid) });
  }

  private async stop(kind: Stop, process: Process, lastsMs: number): Promise<void> {
    if (kind === 'stop-in-commit' && !(await this.aim.stop(process))) return;
    process.signal('SIGSTOP');
    const made = this.begin(kind, process, `for ${lastsMs} ms`);
    for (const until = monoNow() + 1_000; !isStopped(process.pid) && monoNow() < until;) await rest(1);
    const [inCommit, inLedger] = [isWriting(process.pid, this.log), isWriting(process.pid, this.ledger)];
    if (inCommit && kind !== 'stop-in-commit') this.tell(`${' '.repeat(24)}which was in the middle of a commit`);
    await rest(lastsMs);
    const fault = this.faultOf(kind, made, { inCommit, inLedger });
    process.signal('SIGCONT');
    this.faults.push(fault);
  }

  private async term(place: Place, awayMs: number, underNewId: boolean): Promise<void> {
    const { current } = place;
    const made = this.begin('term', current, `away for ${awayMs} ms`);
    current.signal('SIGTERM');
    await this.endOf(current, this.termBoundMs);
    this.record('term', made, { dead: true });
    await rest(awayMs);
    place.startAgain(underNewId);
  }

  private async twin(place: Place, lastsMs: number, killsFirst: boolean): Promise<void> {
    const first = place.current;
    const second = place.another();
    const begun = this.begin('twin', second, `process ${second.pid} beside ${first.pid}`);
    for (const until = monoNow() + FOUND_OUT_PATIENCE_MS; !second.conflict && monoNow() < until;) await rest(POLL_MS);
    await rest(lastsMs);
    const foundOut = second.conflict;
    const made = killsFirst ? { ...begun, process: first, at: Date.now(), atMono: monoNow() } : begun;
    await made.process.kill();
    place.current = killsFirst ? second : first;
    this.record('twin', made, { dead: true, foundOut });
  }

  /** Its end, or its kill when that does not come in time. */
  private async endOf(process: Process, boundMs: number): Promise<void> {
    const stop = new AbortController();
    const late = await Promise.race([
      process.ended.then(() => false),
      rest(boundMs, true, { signal: stop.signal }).catch(() => false),
    ]);
    stop.abort();
    if (!late) return;
    this.seen.push(`${process.orders.serviceId}: did not end within ${boundMs / 1_000} s of SIGTERM`);
    await process.kill();
  }

  /** Ends all in order. */
  async end(): Promise<void> {
    await Promise.all(
      this.places.map(async ({ current }) => {
        if (current.over !== null) return;
        current.signal('SIGTERM');
        await this.endOf(current, this.termBoundMs);
      }),
    );
  }

  /** Ends all at once, in whatever state they are. */
  async killAll(): Promise<void> {
    await Promise.all(this.places.map(({ current }) => current.kill()));
  }

  private begin(kind: Fault['kind'], process: Process, words: string): Made {
    this.tell(`${kind.padEnd(21)} ${process.orders.serviceId}, ${words}`);
    return { process, at: Date.now(), atMono: monoNow() };
  }

  private record(kind: Fault['kind'], made: Made, more: Partial<Fault> = {}): void {
    this.faults.push(this.faultOf(kind, made, more));
  }

  private faultOf(kind: Fault['kind'], { process, at, atMono }: Made, more: Partial<Fault>): Fault {
    return {
      kind,
      at,
      atMono,
      until: Date.now(),
      untilMono: monoNow(),
      pids: [process.pid],
      serviceId: process.orders.serviceId,
      inCommit: false,
      inLedger: false,
      dead: false,
      foundOut: false,
      ...more,
    };
  }
}
