import { v7 } from 'uuid';
import type { Random } from './random';

/** The machine's randomness. */
export class SystemRandom implements Random {
  next(): number {
    return Math.random();
  }

  uuid(wall: number): string {
    return v7({ msecs: wall });
  }
}
