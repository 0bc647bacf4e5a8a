import { stateAsOf, type AsOf, type StateAsOf } from '../audit';
import type { JobRecord, JobState } from '../domain/job';
import type { EventStore } from '../event-store';
import { printable } from './output';
import { NotThereError } from './usage-error';

/** The end of a stream. */
export const NOW: AsOf = { revision: Number.MAX_SAFE_INTEGER };

/** What a job was at a point. @throws NotThereError when the log has no such job at all. */
export async function knownJob(store: EventStore, jobId: string, at: AsOf, namespace: string): Promise<StateAsOf> {
  const found = await stateAsOf(store, jobId, at, { namespace });
  if (found.at !== null) return found;
  const end = at === NOW ? found : await stateAsOf(store, jobId, { revision: 0 }, { namespace });
  if (end.at === null) {
    throw new NotThereError(
      `No job ${printable(jobId)} is in this log${namespace === '' ? '' : ` (namespace ${namespace})`}.`,
      'Check the id and --namespace; ids are case-sensitive.',
    );
  }
  return found;
}

/** What is known of a job: of an unreadable one, the state before; null: nothing. */
export function recordOf(state: JobState): JobRecord | null {
  const known = state.stage === 'opaque' ? state.before : state;
  return known.stage === 'absent' ? null : known;
}
