import { join } from 'node:path';
import { SqliteReadModel, ViewLockedError, type SqliteReadModelOptions } from '../read-model';
import type { ResolvedOptions } from './options';

/** How many processes of one id may stand side by side on one folder: one serves, the others say that the id is taken. */
const VIEW_FILES = 8;

type Open = (options: SqliteReadModelOptions) => Promise<SqliteReadModel>;

/**
 * A view of its own for each process: that another one bears the same id is for membership to find out, and to tell.
 * @param compare with the log, which is there; else the view is compared when it is started.
 */
export async function openView(
  { stateDirectory, serviceId }: ResolvedOptions,
  { inMemory, compare }: { readonly inMemory: boolean; readonly compare: boolean },
  ports: Omit<SqliteReadModelOptions, 'path'>,
): Promise<SqliteReadModel> {
  const open: Open = (options) => (compare ? SqliteReadModel.open(options) : SqliteReadModel.openFile(options));
  if (inMemory) return open({ ...ports, path: ':memory:' });
  const file = join(stateDirectory, `view-${encodeURIComponent(serviceId)}`);
  for (let n = 1; ; n++) {
    const path = n === 1 ? `${file}.sqlite` : `${file}~${n}.sqlite`;
    try {
      return await open({ ...ports, path });
    } catch (error) {
      if (!(error instanceof ViewLockedError) || n === VIEW_FILES) throw error;
      ports.logger.warn('view.file-in-use', { path });
    }
  }
}
