import type { AbandonRun, JobCommand, JobDefinition, RunRef } from '../../src/domain/job';
import { quarantine, Recorder, zoneData } from '../audit/recorder';

/** Commands in short, by whom they are due to. Whatever is refused is a mistake in the story. */
export class Storyteller {
  readonly log = new Recorder();
  private lives = 0;

  incarnation(): string {
    this.lives += 1;
    return `0172c000-0000-7000-8000-${String(this.lives).padStart(12, '0')}`;
  }

  job(jobId: string, command: JobCommand, booksEvery = 500): void {
    const decision = this.log.job(jobId, command, booksEvery);
    if (!decision.ok) throw new Error(`${jobId}, ${command.kind}: ${decision.refusal.rule}`);
    if (decision.events.length === 0) throw new Error(`${jobId}, ${command.kind}: it adds nothing`);
  }

  get common() {
    return { at: this.log.now, zoneData };
  }
  get asked() {
    return { ...this.common, commandId: this.log.commandId(), reason: 'asked' };
  }

  schedule(jobId: string, of: JobDefinition, more: { renew?: boolean; booksEvery?: number } = {}): void {
    const { renew = false, booksEvery } = more;
    const hash = JSON.stringify(of);
    this.job(
      jobId,
      { kind: 'ScheduleJob', jobId, definition: of, definitionHash: hash, onConflict: 'refuse', renew, ...this.asked },
      booksEvery,
    );
  }

  claim(jobId: string, serviceId: string, start = true): void {
    const decision = this.log.claim(jobId, serviceId, start);
    if (!decision.ok) throw new Error(`${jobId} is not bound: ${decision.refusal.rule}`);
  }

  run(jobId: string): RunRef {
    const run = this.log.record(jobId).inProgress.find((one) => one.run !== null)?.run;
    if (run == null) throw new Error(`${jobId} does not run`);
    const { slot, attempt, epoch, incarnation } = run;
    return { slot, attempt, epoch, incarnation };
  }

  start(jobId: string): RunRef {
    const decision = this.log.startRun(jobId);
    if (!decision.ok) throw new Error(`${jobId} does not start: ${decision.refusal.rule}`);
    return this.run(jobId);
  }

  complete(jobId: string, run = this.run(jobId), release: 'drain' | null = null): void {
    const then = { release, startNext: false };
    this.job(jobId, { kind: 'CompleteRun', run, durationMs: 5, then, ...this.common });
  }

  fail(jobId: string, timedOut = false): void {
    const failure = timedOut
      ? ({ kind: 'timedOut', timeoutMs: 1_000 } as const)
      : ({ kind: 'failed', error: 'TypeError', message: 'no such report' } as const);
    const then = { release: null, startNext: false };
    this.job(jobId, { kind: 'FailRun', run: this.run(jobId), durationMs: 9, failure, then, ...this.common });
  }

  abandon(jobId: string, reason: AbandonRun['reason']): void {
    this.job(jobId, { kind: 'AbandonRun', run: this.run(jobId), reason, timedOut: null, ...this.common });
  }

  skipStuck(jobId: string): void {
    const { ownership, epoch } = this.log.record(jobId);
    if (ownership.kind !== 'bound') throw new Error(`${jobId} has no owner`);
    const { serviceId, incarnation } = ownership;
    this.job(jobId, { kind: 'StartRun', serviceId, incarnation, epoch, stuck: true, ...this.common });
  }

  release(jobId: string, reason: 'drain' | 'ineligible' | 'home' | 'rebalance' | 'late', target: string | null): void {
    const { ownership, epoch } = this.log.record(jobId);
    if (ownership.kind !== 'bound') throw new Error(`${jobId} has no owner`);
    const { serviceId, incarnation } = ownership;
    this.job(jobId, { kind: 'ReleaseJob', serviceId, incarnation, epoch, reason, target, ...this.common });
  }

  move(jobId: string, serviceId: string): void {
    const { log } = this;
    const why = log.why('operator', jobId, serviceId);
    const viewPosition = log.view();
    const { commandId, ...rest } = this.asked;
    const service = log.live(serviceId);
    this.job(jobId, { kind: 'BindJob', by: 'operator', commandId, service, viewPosition, why, start: false, ...rest });
  }

  declare(jobId: string, of: JobDefinition, hash: string, disabled = false): void {
    const declaration = { hash, source: 'engine' };
    const definitionHash = JSON.stringify(of);
    this.job(jobId, {
      kind: 'DeclareJob',
      jobId,
      definition: of,
      definitionHash,
      declaration,
      disabled,
      restart: false,
      ...this.asked,
    });
  }

  takeOver(jobId: string, by: string, booksEvery: number, crashes = quarantine.crashes): void {
    const { log } = this;
    const { ownership } = log.record(jobId);
    if (ownership.kind !== 'bound') throw new Error(`${jobId} has no owner`);
    const { serviceId, incarnation } = ownership;
    const gone = { serviceId, incarnation, cause: 'failed' } as const;
    const to = { service: log.live(by), why: log.why('requeue', jobId, by), start: true };
    const policy = { ...quarantine, crashes };
    const viewPosition = log.view();
    this.job(
      jobId,
      { kind: 'RequeueJob', gone, to, nobody: null, viewPosition, quarantine: policy, ...this.common },
      booksEvery,
    );
  }
}
