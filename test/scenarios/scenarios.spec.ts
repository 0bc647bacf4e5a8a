import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { scenarios } from './scenarios.json';

const read = (file: string) => readFileSync(join(__dirname, '../..', file), 'utf8');

/** What `npm run mutants` runs; here only that it still fits the sources. */
describe('the scenarios of the field', () => {
  it('have ids of their own, and each its row in docs/scenarios.md', () => {
    expect(new Set(scenarios.map(({ id }) => id)).size).toBe(scenarios.length);
    const rows = read('docs/scenarios.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.slice(2, -2).split(' | '));
    expect(rows).toEqual(
      scenarios.map(({ id, scenario, test, patch }) => [
        `\`${id}\``,
        scenario,
        `\`${test.file}\`: ${test.name.replace(' [decider]', '')}`,
        `\`${patch.file}\`: ${patch.does}`,
      ]),
    );
  });

  it.each(scenarios)('$id: its test is there, and its patch fits one place of the product', ({ test, patch }) => {
    expect(existsSync(join(__dirname, '../..', test.file))).toBe(true);
    const titles = [...read(test.file).matchAll(/(['"`])((?:(?!\1).){6,})\1/g)].map(([, , text]) => text);
    const name = test.name.replace(' [decider]', '');
    expect(titles.filter((title) => name.endsWith(title.replace('%s', '').trim()))).not.toEqual([]);
    expect(patch.file).toMatch(/^src\/(?!testing\/)/);
    expect(read(patch.file).split(patch.find)).toHaveLength(2);
    expect(patch.find).not.toContain('\n');
    expect(patch.replace).not.toContain('\n');
    expect(patch.replace).not.toBe(patch.find);
  });
});
