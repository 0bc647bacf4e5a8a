import { GONE, isMetastream, type StoredRecord } from './record';

/** What the metadata of a stream says about which of its events are still read. */
export interface Retention {
  readonly maxCount?: number;
  /** Seconds. */
  readonly maxAge?: number;
  readonly truncateBefore?: bigint;
}

/** A limit that is too small is no limit. */
const atLeast = (least: number, given: unknown): number | undefined =>
  typeof given === 'number' && given >= least ? given : undefined;

/**
 * `$tb` of a soft-deleted stream is 2^63 - 1, which JSON.parse rounds up: whatever is as large as that means "gone".
 * A stream of metadata keeps its last event only, and nothing can change that.
 */
export function retentionOf(stream: string, newestMetadata: StoredRecord | undefined): Retention {
  if (isMetastream(stream)) return { maxCount: 1 };
  const said = metadataObject(newestMetadata);
  const tb = atLeast(0, said['$tb']);
  return {
    maxCount: atLeast(1, said['$maxCount']),
    maxAge: atLeast(1, said['$maxAge']),
    truncateBefore: tb === undefined ? undefined : tb >= Number(GONE) ? GONE : BigInt(tb),
  };
}

export function metadataObject(record: StoredRecord | undefined): Record<string, unknown> {
  if (!record) return {};
  try {
    const parsed: unknown = JSON.parse(Buffer.from(record.data).toString('utf8'));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    // Metadata that is no JSON is ignored, not refused.
    return {};
  }
}

/** Metadata with another `$tb`, as text: the number for "gone" does not fit a JavaScript number. */
export function withTruncateBefore(metadata: Record<string, unknown>, before: bigint): string {
  const rest = Object.entries(metadata).filter(([key]) => key !== '$tb');
  return `{${[...rest.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`), `"$tb":${before}`].join(',')}}`;
}

/** The events of a stream that a read still shows. */
export function kept(records: readonly StoredRecord[], retention: Retention, now: number): readonly StoredRecord[] {
  const last = records.at(-1)?.revision ?? -1n;
  let first = retention.truncateBefore ?? 0n;
  if (retention.maxCount !== undefined) {
    const byCount = last - BigInt(retention.maxCount) + 1n;
    if (byCount > first) first = byCount;
  }
  const oldest = retention.maxAge === undefined ? -Infinity : now - retention.maxAge * 1_000;
  return records.filter(({ revision, created }) => revision >= first && created >= oldest);
}
