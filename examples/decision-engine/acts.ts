import { CommandRefusedError, type Jobs, type Queries } from 'holdfast';
import type { AuditDesk } from './audit-desk';
import { changedInterval, parts, type DemoAudit } from './audits';
import type { Display } from './display';
import type { Engines } from './engines';
import type { Fault } from './faults';
import type { KillReport } from './judge-audits';
import type { Story } from './story';

export interface Stage {
  readonly desk: AuditDesk;
  readonly jobs: Jobs;
  readonly queries: Queries;
  readonly display: Display;
  readonly story: Story;
}

/** Hands all audits in. What an earlier start left is taken up as it is. */
export async function handIn({ desk, display, story }: Stage, audits: readonly DemoAudit[]): Promise<void> {
  let added = 0;
  for (const { id, specAt } of audits) {
    try {
      const result = await desk.create(specAt(Date.now()), { actor: 'demo' });
      if (result.added > 0) added++;
    } catch (error) {
      const code = error instanceof CommandRefusedError ? error.code : '';
      // Changed since, or with a window that was counted from an earlier start; or over, and not begun anew.
      if (code === 'job-terminal') story.isOver(id);
      else if (code !== 'job-exists') throw error;
    }
  }
  const there = audits.length - added;
  display.line('blue', 'audits', `${audits.length} from audits.json: ${added} new, ${there} were there already`);
}

/** Every start kills an engine in the middle of the same audit: three starts within the hour may have quarantined it. */
export async function releaseQuarantined({ queries, jobs, display }: Stage): Promise<void> {
  const { rows } = await queries.jobs({ status: ['quarantined'], limit: 100 });
  for (const { jobId } of rows) {
    const words = 'is quarantined since earlier starts: its owners died in it; released, as an operator';
    display.line('yellow', jobId, words);
    await jobs.releaseFromQuarantine(jobId, { reason: 'the demo begins anew' });
  }
}

/** What nobody owns stays visible, and the reason is in the tag. */
export async function showUnowned({ queries, display }: Stage): Promise<void> {
  const { rows } = await queries.jobs({ status: ['unbound'], limit: 100 });
  for (const { jobId, tag } of rows) {
    const pairs = Object.entries(tag).map(([key, value]) => `${key}=${value}`);
    const words = `nobody owns it: no engine has the label ${pairs.join(', ')}; it waits, and is never run`;
    display.line('yellow', jobId, words);
  }
}

/** An earlier start may have ended while its audit was suspended. */
export async function resumeLeftOver(stage: Stage): Promise<void> {
  const left = await stage.desk.get(parts.suspended);
  if (left?.state === 'SUSPENDED') await resume(stage);
}

/** What operators do while all is well. */
export async function beforeTheKill(stage: Stage): Promise<void> {
  const { desk, story } = stage;
  const asked = { actor: 'operator' };
  await tried(stage, parts.changed, () => desk.update(parts.changed, { interval: changedInterval }, asked));
  await tried(stage, parts.cancelled, () => desk.cancel(parts.cancelled, { ...asked, reason: 'no longer wanted' }));
  await trigger(stage, 'a host was added to az-2');
  await tried(stage, parts.suspended, () => desk.suspend(parts.suspended, { ...asked, reason: 'a freeze of changes' }));
  // A suspension lets an open run finish: the kill is to meet a suspended audit that is idle.
  await story.pass(500);
}

/** What operators do when the dead engine's audits are elsewhere: the suspended one goes on there. */
export async function afterTheKill(stage: Stage): Promise<void> {
  await resume(stage);
  await trigger(stage, 'a host was lost');
  await stage.story.nextRunOf(parts.suspended, 10_000);
}

/** Waits until the long audit is well inside its run, and kills its owner: a real SIGKILL (or, by fault, nobody). */
export async function killInMidRun(
  { story, display }: Stage,
  engines: Engines,
  fault: Fault,
): Promise<{ readonly host: string; readonly report: KillReport } | null> {
  const run = await story.nextRunOf(parts.victim, 60_000);
  if (run === null || story.givenUp) return null;
  await story.pass(1_000);
  if (story.givenUp) return null;
  const { serviceId, incarnation, slot, attempt } = run;
  const host = serviceId.slice('engine@'.length);
  display.line('red', serviceId, `SIGKILL, in the middle of ${parts.victim} (slot ${slot}, attempt ${attempt})`);
  const at = Date.now();
  story.killed(serviceId, incarnation, at, parts.victim);
  const signal = await engines.kill(host, fault === 'idle-kill' ? 0 : 'SIGKILL');
  return { host, report: { serviceId, incarnation, at, signal, job: parts.victim } };
}

async function resume(stage: Stage): Promise<void> {
  const asked = { actor: 'operator', reason: 'the freeze is over' };
  await tried(stage, parts.suspended, () => stage.desk.resume(parts.suspended, asked));
}

async function trigger(stage: Stage, reason: string): Promise<void> {
  await tried(stage, parts.event, () => stage.desk.trigger(parts.event, { actor: 'webhook', reason }));
}

/** A refusal is told, and the story goes on: an earlier start may have done it already. */
async function tried({ display, story }: Stage, audit: string, ask: () => Promise<unknown>): Promise<void> {
  if (story.givenUp) return;
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof CommandRefusedError)) throw error;
    display.line('dim', audit, error.message);
  }
}
