import {
  JobBoundToServiceFact,
  JobCompletedFact,
  JobQuarantinedFact,
  JobReleasedFact,
  JobRequeuedFact,
  JobRunRequestedFact,
  JobRunStartedFact,
  JobRunSucceededFact,
  ServiceDrainStartedFact,
  ServiceMarkedFailedFact,
  ServiceRegisteredFact,
  ServiceStoppedFact,
  type Fact,
} from 'holdfast';
import { askedWords } from './asked-words';
import { rightful, type DemoAudit } from './audits';
import { took, type Display } from './display';
import type { Silence } from './engines';

interface Run {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly slot: string;
  readonly attempt: number;
}

interface Kill {
  readonly serviceId: string;
  readonly incarnation: string;
  readonly at: number;
  readonly job: string;
  verdictAt: number | null;
  requeuedAt: number | null;
}

/** Tells the facts of the log as they come in, and lets the demo wait for turns of the story. */
export class Story {
  readonly registered = new Set<string>();
  firstRunElsewhere: { readonly at: number; readonly job: string; readonly serviceId: string } | null = null;
  returned = false;
  private readonly owner = new Map<string, string>();
  private readonly ran = new Set<string>();
  /** Audits that wait for triggers. */
  private readonly triggered: ReadonlySet<string>;
  private readonly ended = new Set<string>();
  private readonly moved = new Set<string>();
  private readonly runs = new Map<string, number>();
  private readonly shownSilence = new Map<string, number>();
  private readonly waiting = new Set<{
    readonly done: () => boolean;
    readonly resolve: () => void;
    readonly reject: (e: Error) => void;
  }>();
  private readonly runWaiters = new Map<string, (run: Run) => void>();
  private kill: Kill | null = null;
  private over = false;

  constructor(
    private readonly display: Display,
    private readonly audits: readonly DemoAudit[],
  ) {
    this.triggered = new Set(audits.filter(({ spec }) => spec.type === 'EVENT').map(({ id }) => id));
  }

  tell(fact: Fact): void {
    this.show(fact);
    for (const wait of this.waiting) {
      if (wait.done()) {
        this.waiting.delete(wait);
        wait.resolve();
      }
    }
  }

  /** The silence of others as an engine measures it; each whole second is told once. */
  silences(observer: string, silences: readonly Silence[]): void {
    for (const { serviceId, silenceMs, thresholdMs } of silences) {
      const step = Math.floor(silenceMs / Math.min(1_000, thresholdMs / 3));
      if (this.kill?.serviceId !== serviceId || this.kill.verdictAt !== null || step < 2) continue;
      if ((this.shownSilence.get(serviceId) ?? 0) >= step) continue;
      this.shownSilence.set(serviceId, step);
      this.display.line(
        'yellow',
        serviceId,
        `silent for ${(silenceMs / 1_000).toFixed(1)} s of ${(thresholdMs / 1_000).toFixed(1)} s, says ${observer}`,
      );
    }
  }

  killed(serviceId: string, incarnation: string, at: number, job: string): void {
    this.kill = { serviceId, incarnation, at, job, verdictAt: null, requeuedAt: null };
  }

  /** The audit has ended in an earlier start: nobody waits for it. */
  isOver(audit: string): void {
    this.ran.add(audit);
    this.ended.add(audit);
  }

  /** Nothing of it will follow. */
  hasEnded(audit: string): boolean {
    return this.ended.has(audit);
  }

  /** Every audit that somebody may run, and that has something to do yet, has run at least once. */
  everyoneRan(): boolean {
    return this.audits.every((a) => this.ran.has(a.id) || !a.runsAtOnce || !this.fits(a));
  }

  /** Every audit that somebody may run has an owner, or had one. */
  everyoneOwned(): boolean {
    return this.audits.every((a) => this.owner.has(a.id) || this.ran.has(a.id) || !this.fits(a));
  }

  ownerOf(audit: string): string | null {
    return this.owner.get(audit) ?? null;
  }

  private fits(audit: DemoAudit): boolean {
    const labels = [...this.registered].map((id) => ({ name: id.split('@')[0], host: id.split('@')[1] }));
    return labels.some((l) => rightful(audit, l));
  }

  /** The next run of a job; null when none has begun within `patienceMs`, or the story was given up. */
  async nextRunOf(job: string, patienceMs: number): Promise<Run | null> {
    let run: Run | null = null;
    this.runWaiters.set(job, (begun) => (run = begun));
    await this.until(`a run of ${job}`, () => run !== null, patienceMs);
    this.runWaiters.delete(job);
    return run;
  }

  until(what: string, done: () => boolean, patienceMs = 120_000): Promise<void> {
    if (done() || this.over) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const patience = setTimeout(() => {
        this.waiting.delete(wait);
        // Not an end: the judge says what is missing, from the log.
        this.display.line('red', 'story', `waited ${patienceMs / 1_000} s in vain for ${what}`);
        resolve();
      }, patienceMs);
      const wait = {
        done,
        resolve: () => {
          clearTimeout(patience);
          resolve();
        },
        reject,
      };
      this.waiting.add(wait);
    });
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  settled(ms: number): Promise<void> {
    return this.pass(ms);
  }

  /** Nothing is waited for any more. */
  get givenUp(): boolean {
    return this.over;
  }

  giveUp(): void {
    this.over = true;
    for (const wait of this.waiting) wait.resolve();
    this.waiting.clear();
  }

  showSteps(): void {
    const { kill, firstRunElsewhere: first } = this;
    if (!kill || !first) return;
    const verdict = kill.verdictAt ?? kill.at;
    const requeue = kill.requeuedAt ?? verdict;
    this.display.line(
      'cyan',
      'takeover',
      `kill → verdict ${took(kill.at, verdict)}, verdict → requeue ${took(verdict, requeue)}, requeue → first run elsewhere ${took(requeue, first.at)}; in all ${took(kill.at, first.at)}`,
    );
  }

  private show(fact: Fact): void {
    if (fact instanceof ServiceRegisteredFact) this.showRegistered(fact);
    else if (fact instanceof ServiceMarkedFailedFact) this.showVerdict(fact);
    else if (fact instanceof ServiceDrainStartedFact) this.display.line('yellow', fact.id, 'drains');
    else if (fact instanceof ServiceStoppedFact) {
      const { leftovers } = fact.data;
      this.display.line(
        'yellow',
        fact.id,
        leftovers.length === 0
          ? 'stopped, nothing left over'
          : `stopped; left over: ${leftovers.map((l) => l.jobId).join(', ')}`,
      );
    } else if (fact instanceof JobBoundToServiceFact) this.showBound(fact);
    else if (fact instanceof JobRequeuedFact) this.showRequeued(fact);
    else if (fact instanceof JobReleasedFact) this.showReleased(fact);
    else if (fact instanceof JobQuarantinedFact) {
      this.owner.delete(fact.id);
      this.display.line(
        'red',
        fact.id,
        `quarantined: its owner died in it ${fact.data.crashes} times within ${fact.data.windowMs / 60_000} min`,
      );
    } else if (fact instanceof JobRunStartedFact) this.showStarted(fact);
    else if (fact instanceof JobRunSucceededFact) this.countRun(fact.id);
    else this.showAsked(fact);
  }

  private showAsked(fact: Fact): void {
    if (fact instanceof JobCompletedFact) this.ended.add(fact.id);
    // A new audit asks for its first run itself.
    if (fact instanceof JobRunRequestedFact && !this.triggered.has(fact.id)) return;
    const words = askedWords(fact);
    if (words !== null) this.display.line('cyan', fact.id, words);
  }

  private showRegistered({ id, data }: ServiceRegisteredFact): void {
    this.registered.add(id);
    const back = this.kill?.serviceId === id && data.incarnation !== this.kill.incarnation;
    if (back) this.returned = true;
    this.display.line(
      'green',
      id,
      `${back ? 'registers again' : 'registers'} (incarnation ${short(data.incarnation)}, process ${data.process.pid})`,
    );
  }

  private showVerdict({ id, data, created }: ServiceMarkedFailedFact): void {
    if (this.kill?.incarnation === data.incarnation) this.kill.verdictAt = created;
    const words =
      data.by === 'observer'
        ? `marked failed by ${data.observer}: silent for ${(data.evidence.silenceMs / 1_000).toFixed(2)} s (threshold ${(data.evidence.thresholdMs / 1_000).toFixed(1)} s), last beat ${data.evidence.lastBeat}`
        : `marked failed by ${data.actor}: ${data.reason}`;
    this.display.line('red', id, words);
  }

  private showBound({ id, data }: JobBoundToServiceFact): void {
    this.owner.set(id, data.serviceId);
    const { why } = data;
    const how = why.kind === 'requeue' ? 'taken over' : why.kind === 'operator' ? 'moved by an operator' : 'claimed';
    this.display.line(
      'blue',
      id,
      `→ ${data.serviceId}, epoch ${data.epoch} (${how}; rank ${why.rank} of ${why.candidates}${why.labelsMatch ? '' : ', not its home'})`,
    );
  }

  private showRequeued({ id, data, created }: JobRequeuedFact): void {
    if (this.kill?.incarnation === data.fromIncarnation) {
      this.kill.requeuedAt ??= created;
      this.moved.add(id);
    }
    this.owner.delete(id);
    this.display.line(
      'magenta',
      id,
      `requeued: its owner ${data.fromServiceId} is gone (${data.cause})${data.nobody ? `; nobody may take it: ${data.nobody}` : ''}`,
    );
  }

  private showReleased({ id, data }: JobReleasedFact): void {
    this.owner.delete(id);
    this.display.line(
      'cyan',
      id,
      `released by ${data.serviceId} (${data.reason}${data.target ? `, for ${data.target}` : ''})`,
    );
  }

  private showStarted({ id, data, created }: JobRunStartedFact): void {
    const { serviceId, incarnation, slot, attempt } = data;
    if (!this.ran.has(id)) this.display.line('dim', id, `first run, on ${serviceId}`);
    this.ran.add(id);
    if (this.moved.delete(id)) {
      const after = this.kill ? `, ${took(this.kill.at, created)} after the kill` : '';
      this.display.line(
        'green',
        id,
        `first run after the requeue, on ${serviceId} (slot ${slot}, attempt ${attempt}${after})`,
      );
      this.firstRunElsewhere ??= { at: created, job: id, serviceId };
    }
    const waiter = this.runWaiters.get(id);
    this.runWaiters.delete(id);
    waiter?.({ serviceId, incarnation, slot, attempt });
  }

  private countRun(id: string): void {
    const owner = this.owner.get(id) ?? 'nobody';
    this.runs.set(owner, (this.runs.get(owner) ?? 0) + 1);
    const all = [...this.runs.values()].reduce((a, b) => a + b, 0);
    if (all % 50 === 0) {
      const each = [...this.runs].map(([serviceId, n]) => `${serviceId} ${n}`).join(', ');
      this.display.line('dim', 'runs', `${all} audits done: ${each}`);
    }
  }
}

function short(incarnation: string): string {
  return `…${incarnation.slice(-6)}`;
}
