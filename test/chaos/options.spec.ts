import { tmpdir } from 'node:os';
import { readOptions, UsageError } from './options';
import { SmallFileSystem } from './small-file-system';

describe('the options of the chaos', () => {
  it('have defaults', () => {
    expect(readOptions([])).toEqual({
      minutes: 1,
      seed: expect.any(Number),
      services: 5,
      jobs: 200,
      profile: 'default',
      appendKills: 0,
      directory: tmpdir(),
      logDirectory: null,
      keep: false,
      json: false,
    });
    expect(readOptions(['--minutes', '0.5', '--seed', '7', '--json', '--keep'])).toMatchObject({
      minutes: 0.5,
      seed: 7,
      json: true,
      keep: true,
    });
    expect(readOptions(['-h'])).toBe('help');
  });

  it.each([
    ['--minutes', '0'],
    ['--minutes', 'two'],
    ['--seed', '-1'],
    ['--services', '3'],
    ['--services', '7'],
    ['--jobs', '59'],
    ['--profile', 'cluster'],
    ['--append-kills', '0'],
    ['--directory', '/does/not/exist'],
    ['--log-directory', '/does/not/exist'],
    ['--often', '1'],
  ])('refuse %s %s, and name it', (name, value) => {
    expect(() => readOptions([`${name}=${value}`])).toThrow(UsageError);
    expect(() => readOptions([`${name}=${value}`])).toThrow(name);
  });
});

describe('a file system', () => {
  it('that is large is never filled', () => {
    expect(SmallFileSystem.at(process.cwd())).toBeNull();
  });
});
