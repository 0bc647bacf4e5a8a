import { StoreUnavailableError } from '../event-store';
import { ViewClosedError } from './errors';
import { knownEvents } from './fold';
import { COMPARE_AGAIN_MS, logWentBack } from './log-check';
import type { SqliteReadModelOptions } from './options';
import type { ViewFile, ViewSource } from './view-file';
import { messageOf } from './words';

/** A file that holds a view of the log as it is now; `fresh`: an empty one. */
export interface CheckedFile {
  readonly source: ViewSource;
  readonly fresh: boolean;
}

/** Between two tries when something is wrong with the file. */
const FILE_REST_MS = 5_000;

/**
 * Compares a file that was opened with the log, and throws away what is not a view of it.
 * @param broken why the file alone cannot be used; null: it can.
 * @throws StoreUnavailableError the log cannot be read now; ViewClosedError the signal was aborted, and the file is left alone.
 */
export async function checkFile(
  file: ViewFile,
  broken: string | null,
  { store, namespace, path, logger }: SqliteReadModelOptions,
  signal: AbortSignal,
): Promise<CheckedFile> {
  const source: ViewSource = { namespace, log: await store.identity(), knownEvents };
  const why = broken ?? file.mismatch(source) ?? (await logWentBack(store, file.checkpoint()));
  if (signal.aborted) throw new ViewClosedError();
  if (why === null) file.claim(source);
  else {
    logger.info('view.rebuilding', { path, reason: why, events: 0 });
    file.rebuild(source, broken?.startsWith('it is damaged') ?? false);
  }
  return { source, fresh: why !== null };
}

/** As `checkFile`, as soon as the log answers. Null: the signal was aborted. */
export async function checkFileAtLast(
  file: ViewFile,
  broken: string | null,
  options: SqliteReadModelOptions,
  signal: AbortSignal,
  onError: (words: string) => void,
): Promise<CheckedFile | null> {
  const { clock, logger, path } = options;
  while (!signal.aborted) {
    try {
      return await checkFile(file, broken, options, signal);
    } catch (error) {
      if (signal.aborted) break;
      onError(messageOf(error));
      const silent = error instanceof StoreUnavailableError;
      // That the log does not answer is told by whoever waits for it, too.
      if (silent) logger.debug('view.not-compared', { error: error.message });
      else logger.error('view.not-compared', { path, error: messageOf(error) });
      await clock.sleep(silent ? COMPARE_AGAIN_MS : FILE_REST_MS, signal);
    }
  }
  return null;
}
