/**
 * Where an event was written first, in its metadata under `copied`, when it was brought here from another log. Its id, revision, type and data are as they
 * were written; its position and `created` are of the log that holds it now. The first log is named, also when a copy was copied.
 */
export interface Origin {
  /** Id of that log. */
  readonly log: string;
  readonly position: bigint;
  /** When that log took it, ms since the epoch. */
  readonly created: number;
}

/** @param metadata JSON text of an object. @returns null: it was written where it is. */
export function originOf(metadata: string): Origin | null {
  // Of most events; a parse of each would cost as much as the event itself.
  if (!metadata.includes('"copied"')) return null;
  const { copied } = JSON.parse(metadata) as { copied?: { log?: unknown; position?: unknown; created?: unknown } };
  if (typeof copied !== 'object' || copied === null) return null;
  const { log, position, created } = copied;
  if (typeof log !== 'string' || typeof position !== 'string' || !/^[1-9]\d{0,18}$/.test(position)) return null;
  return Number.isSafeInteger(created) ? { log, position: BigInt(position), created: created as number } : null;
}

/** The metadata with its origin; every other byte stays. Metadata that has one keeps it. */
export function withOrigin(metadata: string, { log, position, created }: Origin): string {
  if (originOf(metadata) !== null) return metadata;
  const copied = JSON.stringify({ log, position: String(position), created });
  const end = metadata.lastIndexOf('}');
  const empty = /^\s*\{\s*$/.test(metadata.slice(0, end));
  return `${metadata.slice(0, end)}${empty ? '' : ','}"copied":${copied}${metadata.slice(end)}`;
}
