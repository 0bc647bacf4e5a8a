import { SystemRandom, type Clock, type Random } from '../../../src/clock';
import {
  GONE,
  isMetastream,
  metastreamOf,
  type Expected,
  type Proposal,
  type StoredRecord,
  type StreamRead,
  type WriteAnswer,
} from './record';
import { kept, metadataObject, retentionOf, withTruncateBefore, type Retention } from './retention';

type Listener = (records: readonly StoredRecord[]) => void;

/** Bytes that a record takes beside its content: positions are places in a file, so they grow by what was written. */
const RECORD_OVERHEAD = 96;
const NOTHING = new Uint8Array(0);
const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

/** A log in memory with the rules of the real server, as design/eventstoredb.md lists them; it knows nothing of gRPC. */
export class Log {
  /** `$all`, in order of position. */
  readonly records: StoredRecord[] = [];
  private readonly streams = new Map<string, StoredRecord[]>();
  private readonly listeners = new Set<Listener>();
  /** The ids that this run of the server has written: what `any` and `stream_exists` are deduplicated by. A restart forgets them. */
  private readonly writtenThisRun = new Map<string, { stream: string; revision: bigint }>();
  private end = 0n;

  constructor(
    private readonly clock: Clock,
    private readonly random: Random = new SystemRandom(),
  ) {
    // The real log never begins with the caller's events: epochs and the server's own streams come first.
    this.noise();
  }

  append(stream: string, expected: Expected, proposals: readonly Proposal[]): WriteAnswer {
    const refusal = this.check(stream, expected, proposals);
    if (refusal) return refusal;
    const before = this.lastRevision(stream);
    const wasGone = this.isSoftDeleted(stream);
    // An empty append is a record of its own that nobody can read.
    if (proposals.length === 0) return { result: 'success', revision: before, position: this.advance(0) };
    const written = proposals.map((proposal, n) => this.write(stream, before + 1n + BigInt(n), proposal));
    if (wasGone) written.push(this.writeMetadata(stream, before + 1n));
    this.publish(written);
    return {
      result: 'success',
      revision: before + BigInt(proposals.length),
      position: written[proposals.length - 1].position,
    };
  }

  /** Soft: the stream is hidden by its metadata, and numbering goes on where it was. */
  delete(stream: string, expected: Expected): WriteAnswer {
    // There is nothing to be hidden, whatever was expected.
    if (!this.streams.has(stream)) return { result: 'wrong-version', current: -1n };
    const refusal = this.check(stream, expected, [this.system('$metadata', '{}')]);
    if (refusal) return refusal;
    const written = this.writeMetadata(stream, GONE);
    this.publish([written]);
    return { result: 'success', revision: this.lastRevision(stream), position: written.position };
  }

  /** For ever: nothing can be appended to this name again. */
  tombstone(stream: string, expected: Expected): WriteAnswer {
    const proposal = this.system('$streamDeleted', '{}');
    const refusal = this.check(stream, expected, [proposal]);
    if (refusal) return refusal;
    const written = this.write(stream, GONE, proposal);
    this.publish([written]);
    return { result: 'success', revision: GONE, position: written.position };
  }

  /** Inclusive in both directions; `from` absent: the first event forwards, the last one backwards. */
  readStream(stream: string, backwards: boolean, from: bigint | undefined, count: number): StreamRead {
    const all = this.streams.get(stream) ?? [];
    if (this.isTombstoned(stream)) return { result: 'deleted' };
    if (all.length === 0 || this.isSoftDeleted(stream)) return { result: 'not-found' };
    const visible = kept(all, this.retention(stream), this.clock.wall());
    const chosen = backwards
      ? visible.filter(({ revision }) => from === undefined || revision <= from).reverse()
      : visible.filter(({ revision }) => from === undefined || revision >= from);
    return { result: 'found', records: chosen.slice(0, count) };
  }

  /** Forwards inclusive, backwards exclusive; truncated events are shown until a scavenge, which there is none of here. */
  readAll(backwards: boolean, from: bigint | undefined, count: number): readonly StoredRecord[] {
    if (backwards) {
      const end = from === undefined ? this.records.length : this.indexOf(from);
      return this.records.slice(Math.max(0, end - count), end).reverse();
    }
    const start = from === undefined ? 0 : this.indexOf(from);
    return this.records.slice(start, start + count);
  }

  /** Whether a record begins here, or nothing has been written that far: any other place holds half a record. */
  isPosition(position: bigint): boolean {
    return position === 0n || position >= this.end || this.records[this.indexOf(position)]?.position === position;
  }

  /** Index in `records` of the first one at or after this position. */
  indexOf(position: bigint): number {
    let low = 0;
    let high = this.records.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.records[middle].position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  isTombstoned(stream: string): boolean {
    return this.streams.get(stream)?.at(-1)?.revision === GONE;
  }

  exists(stream: string): boolean {
    return this.streams.has(stream) && !this.isSoftDeleted(stream);
  }

  lastRevision(stream: string): bigint {
    return this.streams.get(stream)?.at(-1)?.revision ?? -1n;
  }

  /** Called with the records of each write, in the same turn in which they were written. */
  onWrite(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Something that the server writes for itself, such as its statistics. */
  noise(count = 1): void {
    const stream = '$stats-127.0.0.1:2113';
    for (let n = 0; n < count; n++) {
      this.publish([this.write(stream, this.lastRevision(stream) + 1n, this.system('$statsCollected', '{"proc":{}}'))]);
    }
  }

  /** The server was started again: data stays, the cache of ids does not. */
  startNewRun(): void {
    this.writtenThisRun.clear();
  }

  private check(stream: string, expected: Expected, proposals: readonly Proposal[]): WriteAnswer | undefined {
    if (this.isTombstoned(stream)) return { result: 'deleted' };
    const current = this.lastRevision(stream);
    const wrong: WriteAnswer = { result: 'wrong-version', current };
    if (expected === 'stream_exists') {
      if (this.isSoftDeleted(stream)) return { result: 'deleted' };
      if (current < 0n && !this.streams.has(metastreamOf(stream))) return wrong;
    }
    if (expected === 'any' || expected === 'stream_exists') return this.checkByCache(stream, proposals, wrong);
    const revision = expected === 'no_stream' ? -1n : expected;
    if (revision > current) return wrong;
    if (revision === current) return undefined;
    return this.checkRetry(stream, revision, proposals, wrong);
  }

  /** Only the first id decides whether this is a retry; a retry that goes on with an unknown id is a conflict. */
  private checkByCache(stream: string, proposals: readonly Proposal[], wrong: WriteAnswer): WriteAnswer | undefined {
    let last: bigint | undefined;
    for (const { id } of proposals) {
      const known = this.writtenThisRun.get(id);
      if (known?.stream !== stream) return last === undefined ? undefined : wrong;
      last = known.revision;
    }
    return last === undefined ? undefined : this.answeredAgain(stream, last);
  }

  /** An exact revision in the past: a retry when the same ids stand there in the same order, else a conflict. */
  private checkRetry(
    stream: string,
    revision: bigint,
    proposals: readonly Proposal[],
    wrong: WriteAnswer,
  ): WriteAnswer | undefined {
    const records = this.streams.get(stream) ?? [];
    for (const [n, { id }] of proposals.entries()) {
      // Truncated events are still there to be compared with.
      if (records[Number(revision) + 1 + n]?.id === id) continue;
      return n === 0 && revision === -1n && this.isSoftDeleted(stream) ? undefined : wrong;
    }
    return proposals.length === 0 ? wrong : this.answeredAgain(stream, revision + BigInt(proposals.length));
  }

  private answeredAgain(stream: string, revision: bigint): WriteAnswer {
    const read = this.readStream(stream, false, revision, 1);
    const found = read.result === 'found' ? read.records.find((record) => record.revision === revision) : undefined;
    return { result: 'success', revision, position: found?.position, repeated: true };
  }

  private isSoftDeleted(stream: string): boolean {
    return !isMetastream(stream) && this.retention(stream).truncateBefore === GONE;
  }

  private retention(stream: string): Retention {
    return retentionOf(stream, this.streams.get(metastreamOf(stream))?.at(-1));
  }

  private write(stream: string, revision: bigint, proposal: Proposal): StoredRecord {
    const bytes = proposal.data.length + proposal.metadata.length + proposal.type.length + stream.length;
    const record = { ...proposal, stream, revision, position: this.advance(bytes), created: this.clock.wall() };
    const records = this.streams.get(stream);
    if (records) records.push(record);
    else this.streams.set(stream, [record]);
    this.records.push(record);
    this.writtenThisRun.set(record.id, { stream, revision });
    return record;
  }

  private writeMetadata(stream: string, truncateBefore: bigint): StoredRecord {
    const metastream = metastreamOf(stream);
    const text = withTruncateBefore(metadataObject(this.streams.get(metastream)?.at(-1)), truncateBefore);
    return this.write(metastream, this.lastRevision(metastream) + 1n, this.system('$metadata', text));
  }

  private system(type: string, text: string): Proposal {
    return { id: this.random.uuid(this.clock.wall()), type, json: true, data: utf8(text), metadata: NOTHING };
  }

  private advance(bytes: number): bigint {
    // The first place of a real file is taken too: no event has position 0.
    this.end += BigInt(RECORD_OVERHEAD + bytes);
    return this.end;
  }

  private publish(records: readonly StoredRecord[]): void {
    for (const listener of [...this.listeners]) listener(records);
  }
}
