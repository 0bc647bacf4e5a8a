import type { Clock } from '../../../src/clock';
import type { Log } from './log';
import type { Expected, Proposal, WriteAnswer } from './record';

/**
 * Between the services and the log: a write is answered a turn after it was made. A retry that comes before the answer of what it repeats
 * is not written, and is not answered either before the server's own time-out: the real one drops it, as what it repeats is not replicated yet.
 */
export class Writer {
  /** Last events of appends that are written and not answered yet. */
  private readonly unanswered = new Set<string>();

  constructor(
    private readonly log: Log,
    private readonly clock: Clock,
    private readonly timeoutMs: number,
  ) {}

  async append(stream: string, expected: Expected, proposals: readonly Proposal[]): Promise<WriteAnswer | 'timed-out'> {
    const answer = this.log.append(stream, expected, proposals);
    if (answer.result !== 'success') return answer;
    const last = `${answer.revision}@${stream}`;
    if (answer.repeated && this.unanswered.has(last)) return this.timeOut();
    if (!answer.repeated) this.unanswered.add(last);
    await this.clock.yield();
    this.unanswered.delete(last);
    return answer;
  }

  private timeOut(): Promise<'timed-out'> {
    return new Promise((resolve) => {
      this.clock.setTimer(this.timeoutMs, () => resolve('timed-out'), { keepAlive: false });
    });
  }
}
