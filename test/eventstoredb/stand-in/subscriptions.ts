import type { Context } from './context';
import type { RecordFilter } from './filters';
import type { Outlet } from './outlet';
import { GONE, type StoredRecord } from './record';
import { streamDeleted } from './refusals';
import { Subscription, type Page } from './subscription';

/** Where a read or a subscription begins. */
export type From = bigint | 'start' | 'end';

/** How many matching events one page of a catch-up holds. */
const PAGE = 32;

export function subscribeToAll(context: Context, outlet: Outlet, from: From, filter?: RecordFilter): void {
  const { log } = context;
  const matches = filter?.matches ?? (() => true);
  const window = filter?.window ?? PAGE;
  // Exclusive: the record at the position has been handled.
  let next = from === 'end' ? log.records.length : from === 'start' ? 0 : log.indexOf(from + 1n);

  const page = (): Page | undefined => {
    if (next >= log.records.length) return undefined;
    const begin = next;
    const records: StoredRecord[] = [];
    while (next < log.records.length && next - begin < window && records.length < PAGE) {
      if (matches(log.records[next])) records.push(log.records[next]);
      next++;
    }
    // Where the page has nothing for the consumer, the server knows no later place than its beginning.
    return { records, considered: next - begin, reached: (records.at(-1) ?? log.records[begin]).position };
  };
  new Subscription(context, outlet, { page, matches, checkpointEvery: filter?.checkpointEvery }).run();
}

export function subscribeToStream(context: Context, outlet: Outlet, stream: string, from: From): void {
  const { log } = context;
  // From the end nobody looks whether the stream can ever have another event.
  if (from !== 'end' && log.isTombstoned(stream)) return outlet.fail(streamDeleted(stream));
  let next = from === 'end' ? log.lastRevision(stream) + 1n : from === 'start' ? 0n : from + 1n;

  const page = (): Page | undefined => {
    if (from === 'end') return undefined;
    const read = log.readStream(stream, false, next, PAGE);
    if (read.result !== 'found' || read.records.length === 0) return undefined;
    next = read.records[read.records.length - 1].revision + 1n;
    return { records: read.records, considered: 0, reached: 0n };
  };
  new Subscription(context, outlet, {
    page,
    matches: (record) => record.stream === stream && record.revision >= next,
    mustWait: () => from !== 'end' && !log.exists(stream),
    // Delivered first, and then said.
    after: (record) => (record.revision === GONE ? streamDeleted(stream) : undefined),
  }).run();
}
