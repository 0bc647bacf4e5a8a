import { setImmediate as turn, setTimeout as rest } from 'node:timers/promises';
import { monoNow } from './diary';
import { isStopped, isWriting } from './locks';
import type { Process } from './places';

const PATIENCE_MS = 10_000;
/** After a miss it is let go for a while: it shall not starve of being aimed at. */
const AFTER_MISS_MS = 15;

/** Stops a process in the middle of an append: it is stopped when it is seen to write, and looked at again while it stands still. */
export class Aim {
  constructor(private readonly path: string) {}

  /** @returns true: it stands still, and holds the lock. False: it was not met in time, and runs. */
  async stop(process: Process): Promise<boolean> {
    const until = monoNow() + PATIENCE_MS;
    while (monoNow() < until && process.over === null) {
      if (!isWriting(process.pid, this.path)) {
        await turn();
        continue;
      }
      process.signal('SIGSTOP');
      while (!isStopped(process.pid) && process.over === null && monoNow() < until) await turn();
      if (isWriting(process.pid, this.path)) return true;
      process.signal('SIGCONT');
      await rest(AFTER_MISS_MS);
    }
    return false;
  }
}
