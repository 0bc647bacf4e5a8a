/** Two 32-bit lanes of one text: 64 bits together. Not cryptographic. */
export interface TextHash {
  readonly high: number;
  readonly low: number;
}

/** Hashes the UTF-16 code units of a text; the same on every platform. */
export function hashText(text: string): TextHash {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x9e3779b1);
    low = Math.imul(low ^ unit, 0x5f356495);
    high = (high << 13) | (high >>> 19);
    low = (low << 17) | (low >>> 15);
  }
  return { high: finish(high ^ text.length), low: finish(low ^ Math.imul(text.length, 0x85ebca6b)) };
}

/** A number in (0, 1) with 53 bits, from a pair of hashes; independent for each pair. */
export function pairUnit(left: TextHash, right: TextHash): number {
  const high = finish(left.high ^ Math.imul(right.high, 0x85ebca6b) ^ right.low);
  const low = finish(left.low ^ Math.imul(right.low, 0xc2b2ae35) ^ high);
  return ((high >>> 5) * 0x4000000 + (low >>> 6) + 1) / (Number.MAX_SAFE_INTEGER + 3);
}

/** The finaliser of MurmurHash3: every bit of the input changes half of the output. */
function finish(value: number): number {
  let mixed = value;
  mixed ^= mixed >>> 16;
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
