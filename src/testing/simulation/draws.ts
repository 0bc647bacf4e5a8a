import { SeededRandom } from '../../clock';

/** Wall clock at the beginning of every world. */
export const WORLD_STARTS_AT = Date.UTC(2026, 0, 1);

/** A randomness that depends on nothing but the seed and these words. */
export function drawn(seed: number, ...words: readonly (string | number)[]): SeededRandom {
  let hash = 2_166_136_261 ^ seed;
  for (const char of words.join('\u0001')) hash = Math.imul(hash ^ char.charCodeAt(0), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return new SeededRandom((hash ^ (hash >>> 12)) >>> 0);
}

export function uuidOf(random: SeededRandom): string {
  return random.uuid(WORLD_STARTS_AT);
}

/** Ways to draw. */
export class Draw {
  constructor(readonly random: SeededRandom) {}
  next(): number {
    return this.random.next();
  }
  between(from: number, to: number): number {
    return from + (to - from) * this.random.next();
  }
  chance(p: number): boolean {
    return this.random.next() < p;
  }
  of<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.random.next() * choices.length)];
  }
  weighted<T>(weights: ReadonlyMap<T, number>): T {
    let left = this.random.next() * [...weights.values()].reduce((sum, one) => sum + one, 0);
    for (const [choice, weight] of weights) if ((left -= weight) < 0) return choice;
    return weights.keys().next().value as T;
  }
}
