import type { RecordedEvent } from '../port';
import { Tail } from './tail';

const event = (position: number, stream = 'job-1', data = '{}'): RecordedEvent => ({
  position: BigInt(position),
  stream,
  revision: position,
  id: `id-${position}`,
  type: 'Happened',
  created: 0,
  data,
  metadata: '{}',
});
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => event(from + i));
const positions = (tail: Tail, after: bigint | 'start', limit = 100, version = 1, categories?: string[]) =>
  tail.slice(after, categories, limit, version)?.events.map(({ position }) => Number(position)) ?? null;

describe('the tail of the log', () => {
  it('gives what was committed here, in order, from any place within it', () => {
    const tail = new Tail();
    tail.add({ before: 3, events: range(4, 6), version: 1 });
    tail.add({ before: 6, events: range(7, 8), version: 1 });
    expect(positions(tail, 3n)).toEqual([4, 5, 6, 7, 8]);
    expect(positions(tail, 6n)).toEqual([7, 8]);
    expect(tail.slice(8n, undefined, 5, 1)).toEqual({ events: [], position: 8n, end: true });
    expect(tail.slice(4n, undefined, 2, 1)).toMatchObject({ position: 6n, end: false });
    expect(tail.slice(6n, undefined, 2, 1)).toMatchObject({ position: 8n, end: true });
  });

  it('knows nothing of what came before it, nor before the first commit', () => {
    const tail = new Tail();
    expect(positions(tail, 'start')).toBeNull();
    expect(positions(tail, 0n)).toBeNull();
    tail.add({ before: 3, events: range(4, 6), version: 1 });
    expect(positions(tail, 2n)).toBeNull();
    expect(positions(tail, 'start')).toBeNull();
  });

  it('holds no more once somebody else has committed, until the next own commit', () => {
    const tail = new Tail();
    tail.add({ before: 0, events: range(1, 3), version: 1 });
    expect(positions(tail, 1n, 100, 2)).toBeNull();
    tail.add({ before: 5, events: range(6, 7), version: 2 });
    expect(positions(tail, 3n, 100, 2)).toBeNull();
    expect(positions(tail, 5n, 100, 2)).toEqual([6, 7]);
  });

  it('filters by category and passes over the others', () => {
    const tail = new Tail();
    tail.add({ before: 0, events: [event(1), event(2, 'service-a'), event(3, 'heartbeat-a')], version: 1 });
    expect(tail.slice(0n, ['service'], 10, 1)).toEqual({ events: [event(2, 'service-a')], position: 3n, end: true });
  });

  it('forgets the oldest: by number, and by size', () => {
    const many = new Tail();
    for (let n = 0; n < 50; n++) many.add({ before: n * 100, events: range(n * 100 + 1, n * 100 + 100), version: 1 });
    expect(positions(many, 0n)).toBeNull();
    expect(positions(many, 4_990n)).toHaveLength(10);
    const large = new Tail();
    const megabyte = JSON.stringify('x'.repeat(1_048_576));
    for (let n = 0; n < 9; n++) large.add({ before: n, events: [event(n + 1, 'job-1', megabyte)], version: 1 });
    expect(positions(large, 1n)).toBeNull();
    expect(positions(large, 8n)).toEqual([9]);
  });

  it('begins anew behind a gap, whatever the version says', () => {
    const tail = new Tail();
    tail.add({ before: 0, events: range(1, 3), version: 1 });
    tail.add({ before: 5, events: range(6, 7), version: 1 });
    expect([positions(tail, 2n), positions(tail, 5n)]).toEqual([null, [6, 7]]);
  });

  it('gives the right events also when it has dropped its oldest', () => {
    const tail = new Tail();
    for (let before = 0; before < 9_000; before += 10) {
      tail.add({ before, events: range(before + 1, before + 10), version: 1 });
      expect(positions(tail, BigInt(before + 8))).toEqual([before + 9, before + 10]);
    }
    expect(positions(tail, 1n)).toBeNull();
    expect(positions(tail, 7_500n, 3)).toEqual([7_501, 7_502, 7_503]);
    expect(tail.slice(8_999n, undefined, 5, 1)).toMatchObject({ position: 9_000n, end: true });
  });
});
