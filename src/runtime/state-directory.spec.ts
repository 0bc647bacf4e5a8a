import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeStateDirectory } from './state-directory';

describe('makeStateDirectory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-state-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('makes every level, and takes what is there', () => {
    const path = join(folder, 'a', 'b');
    makeStateDirectory(path);
    makeStateDirectory(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('refuses a file, and a path below one, with the remedy', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'below')])
      expect(() => makeStateDirectory(path)).toThrow(/Choose a directory/);
  });

  (existsSync('/proc/self/stat') ? it : it.skip)(
    'refuses a path where nothing can be made, instead of trying for ever',
    () => {
      expect(() => makeStateDirectory('/proc/xx')).toThrow(/state directory \/proc\/xx cannot be made/);
    },
  );
});
