/** The only source of randomness. The simulation passes a seeded one. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A new UUIDv7 (lower case) whose time part is `wall` (ms since the epoch). */
  uuid(wall: number): string;
}
