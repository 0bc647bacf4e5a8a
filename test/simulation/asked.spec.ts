import { readAsked, UsageError } from './asked';
import { liveThrough } from './world';

describe('what the simulation is asked', () => {
  it.each([
    ['--seed 3 --seeds 5', '--seed and --seeds'],
    ['--seed 3 --from 9', '--seed and --from'],
    ['--script a.json --seed 3', '--seed and --script'],
    ['--controls --seeds 5', '--controls and --seeds'],
    ['--control 5.4', '--control is of --controls'],
    ['--hits 1', '--hits is of --controls'],
    ['--seeds 0', '--seeds 0'],
    ['--seeds many', '--seeds many'],
    ['--sedes 3', '--sedes'],
    ['7', 'positional'],
  ])('%s is refused, not passed over in silence', (words, said) => {
    const reading = () => readAsked(words.split(' '));
    expect(reading).toThrow(UsageError);
    expect(reading).toThrow(said);
  });

  it('one seed is one world; controls may be named, and their hits said', () => {
    expect(readAsked(['--seed', '7'])).toMatchObject({ seeds: 1, from: 7, controls: false });
    expect(readAsked(['--seeds', '300', '--from', '9', '--jobs', '2'])).toMatchObject({ seeds: 300, from: 9, jobs: 2 });
    expect(readAsked(['--controls', '--control', '5.4', '--hits', '1'])).toMatchObject({ control: '5.4', hits: 1 });
  });

  it('a script that is not there, or is no script, is wrong use', async () => {
    for (const file of ['/nowhere.json', __filename]) {
      const asked = readAsked(['--script', file]);
      await expect(liveThrough(1, asked, () => undefined)).rejects.toThrow(UsageError);
    }
  });
});
