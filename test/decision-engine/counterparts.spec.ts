import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The table "Watcher's tests and ours" of the example's README speaks of tests that exist, and of every scenario that is wanted. */
const root = join(__dirname, '../..');
const example = join(root, 'examples/decision-engine');
const readme = readFileSync(join(example, 'README.md'), 'utf8');
const table = readme.slice(readme.indexOf("## Watcher's tests and ours"));

const folders = [__dirname, example, join(example, 'strategies')];
const specs = new Map(
  folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.spec.ts') && name !== 'counterparts.spec.ts')
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const),
  ),
);

const named = [...table.matchAll(/`([\w-]+\.spec\.ts)`: ((?:\*[^*]+\*(?:, )?)+)/g)].flatMap(([, file, tests]) =>
  [...tests.matchAll(/\*([^*]+)\*/g)].map(([, test]) => [file, test] as const),
);

describe('every counterpart that the README names exists', () => {
  it.each([...new Map(named.map((one) => [one.join(), one])).values()])('%s: %s', (file, test) => {
    expect(specs.has(file)).toBe(true);
    // A title is a string that a function follows.
    const titles = [...specs.get(file)!.matchAll(/\(\s*'((?:[^'\\]|\\.)+)',\s*(?:async )?\(/g)].map(
      ([, title]) => title,
    );
    expect(titles).toContain(test);
  });
});

it.each([
  'first beat creates the service',
  'up: ',
  'down: ',
  'never seen: ',
  'only own service name considered',
  'no service alive',
  'one of three failed',
  'failed again',
  'to the only survivor',
  'round the survivors',
  'to nobody',
  'not started by a non-owner',
  'interval new',
  'interval overdue',
  'interval changed',
  '*cron: ',
  'invalid cron',
  '*cancelled*',
  '*suspended*',
  '*deleted*',
  'expired before',
  'before start',
  '*inside: ',
  'after end',
  'removed while its job is due',
])('the scenario is in the table: %s', (scenario) => {
  expect(table).toContain(scenario);
});
