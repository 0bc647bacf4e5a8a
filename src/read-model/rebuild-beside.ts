import type { Random } from '../clock';
import { SupervisedSubscription, type LogIdentity } from '../event-store';
import { comparedWithLog } from './log-check';
import { Rebuild, type RebuildPorts } from './rebuild';
import { viewCategories } from './streams';
import type { ViewFile, ViewSource } from './view-file';

/** The log is not the one that the rebuild began with: it is another, or went back in time. */
export class LogChangedError extends Error {
  override readonly name = 'LogChangedError';
}

export interface RebuildTold {
  /** So many more events were taken. */
  readonly taken: (events: number, position: bigint) => void;
  readonly interrupted: (error: Error, by: 'handler' | 'dropped') => void;
}

const BATCH = 1_000;

/**
 * Builds a view beside the one in `file` from the whole log as it is now, and puts it in its place. What is appended meanwhile may be in it or not.
 * @param signal gives it up; a trace stays, so that the next opening of the file begins anew.
 * @returns the position that the view is at.
 * @throws LogChangedError; what the signal was aborted with; what SQLite throws. Then the file has the view that it had.
 */
export async function rebuildBeside(
  ports: RebuildPorts & { readonly random: Random },
  file: ViewFile,
  source: ViewSource,
  told: RebuildTold,
  signal: AbortSignal,
): Promise<bigint> {
  const aside = file.beginAside(source);
  try {
    const rebuild = new Rebuild(ports, aside, signal);
    await takeAll(ports, rebuild, source, told, signal);
    const position = await rebuild.finish();
    await file.adopt(aside);
    return position;
  } catch (error) {
    await file.abandon(aside);
    throw error;
  }
}

async function takeAll(
  ports: RebuildPorts & { readonly random: Random },
  rebuild: Rebuild,
  source: ViewSource,
  told: RebuildTold,
  signal: AbortSignal,
): Promise<void> {
  const { store, namespace } = ports;
  const head = await store.head();
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const differs = ({ id, generation }: LogIdentity) =>
    id === source.log.id && generation === source.log.generation ? null : 'it is of another log';
  let subscription: SupervisedSubscription | null = null;
  try {
    await new Promise<void>((resolve, reject) => {
      signal.throwIfAborted();
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      const compare = async () => {
        const why = await comparedWithLog(ports, () => ({ differs, checkpoint: rebuild.checkpoint() }), either);
        if (why !== null) reject(new LogChangedError(why));
      };
      subscription = new SupervisedSubscription(ports, {
        after: 'start',
        categories: viewCategories(namespace),
        batch: BATCH,
        onEvents: async (events, position) => {
          try {
            await rebuild.add(events, position);
          } catch (error) {
            // Half of them may be in the states: it cannot be tried again.
            reject(error as Error);
            throw error;
          }
          told.taken(events.length, position);
          if (head !== 'start' && position >= head) resolve();
        },
        onCaughtUp: resolve,
        onError: (error, by) => {
          told.interrupted(error, by);
          if (by === 'dropped') void compare();
        },
      });
      subscription.start();
    });
  } finally {
    over.abort();
    await (subscription as SupervisedSubscription | null)?.close();
  }
}
