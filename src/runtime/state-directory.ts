import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { StoreUnusableError } from '../event-store';

/**
 * Makes the state directory, level by level: Node's recursive mkdir never returns below /proc.
 * @throws StoreUnusableError `path`: something on the way is no directory, or none can be made there.
 */
export function makeStateDirectory(directory: string): void {
  const path = resolve(directory);
  if (dirname(path) !== path) makeStateDirectory(dirname(path));
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  const remedy = 'Choose a directory that this process may make and write (stateDirectory, --state).';
  if (found) throw new StoreUnusableError('path', `The state directory ${path} is no directory.`, remedy);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another process of this machine may have made it meanwhile.
    if (code === 'EEXIST') return;
    throw new StoreUnusableError('path', `The state directory ${path} cannot be made (${code}).`, remedy, {
      cause: error,
    });
  }
}
