import { CommandRefusedError } from '../contract';
import { isRecord, refusal } from '../validation/check';

/** The names of an options type, all of them: a name that is added to the type and not here does not compile. */
export type Names<Options> = { readonly [name in keyof Required<Options>]: true };

/**
 * Callers without types can misspell an option. What a facade does not know it would not pass on, and a misspelt `schedule` would make a job
 * that runs once, at once.
 *
 * @param what how the argument is called, for the refusal.
 * @throws CommandRefusedError that names every unknown option, with the known name that is nearest.
 */
export function refuseUnknown(given: unknown, names: Readonly<Record<string, true>>, what: string): void {
  if (!isRecord(given)) {
    throw new CommandRefusedError(refusal('wrong-type', what, given, 'It must be an object.', 'Pass an object.'));
  }
  const known = Object.keys(names);
  const [first, ...others] = Object.keys(given)
    .filter((name) => !Object.hasOwn(names, name))
    .flatMap((name) =>
      refusal('unknown-field', name.slice(0, 80), given[name], 'There is no such option.', remedy(name, known)),
    );
  if (first !== undefined) throw new CommandRefusedError([first, ...others]);
}

function remedy(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const all = `The options are ${known.join(', ')}.`;
  return near === null ? `Leave it out. ${all}` : `Write ${near}, or leave it out. ${all}`;
}

/** The known name that takes the fewest changes; null: none is near enough to have been meant. */
function nearest(name: string, known: readonly string[]): string | null {
  // The option names are short; a longer text is none of them, and is not worth comparing.
  const written = name.slice(0, 40).toLowerCase();
  const ranked = known
    .map((candidate) => ({ candidate, changes: changesBetween(written, candidate.toLowerCase()) }))
    .sort((a, b) => a.changes - b.changes);
  const { candidate, changes } = ranked[0];
  return changes <= Math.max(2, Math.floor(candidate.length / 3)) && changes < candidate.length ? candidate : null;
}

/** Letters to insert, delete or replace (Levenshtein). */
function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
  }
  return row[b.length];
}
