import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Packs the package as it is built now (`prepack` does not run: build first).
 * @returns the path of the tarball in `into`, and the paths of the files in it.
 */
export function pack(into) {
  const out = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', into], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // npm 10 prints a list, npm 11 may print an object by name.
  const [{ filename, files }] = Object.values(JSON.parse(out));
  return { tarball: join(into, filename), files: files.map(({ path }) => path).sort() };
}
