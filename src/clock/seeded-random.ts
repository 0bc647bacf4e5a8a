import { v7 } from 'uuid';
import type { Random } from './random';

/** A reproducible source of randomness (mulberry32): the same seed, the same numbers and ids. For tests and simulation; not for secrets. */
export class SeededRandom implements Random {
  private state: number;
  /** No two seeds have the same. */
  private readonly own: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
    this.own = Math.imul(this.state, 0x9e3779b1);
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  uuid(wall: number): string {
    const random = Uint8Array.from({ length: 16 }, () => Math.floor(this.next() * 256));
    // All seeds go round one circle of states, and one may come to where another has begun: their ids differ all the same.
    const tail = new DataView(random.buffer, 12);
    tail.setUint32(0, tail.getUint32(0) ^ this.own);
    return v7({ msecs: wall, random, seq: Math.floor(this.next() * 2 ** 31) });
  }
}
