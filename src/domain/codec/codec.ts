import { BOOKS_SCHEMA } from '../job/evolve';
import type { UnreadableEvent } from '../unreadable';
import type { DomainEvent } from './domain-event';
import { misshapen, shapes } from './shapes';

/** Version that this code writes, per event type; 1 where none is named. A reader meets every older one through an upcaster. */
const versions: { readonly [type: string]: number } = {};

/** Takes the data of one version to the next. */
export type Upcaster = (data: unknown) => unknown;

/** Event type → upcasters; the n-th takes version n + 1 to n + 2. */
export type Upcasters = { readonly [type: string]: readonly Upcaster[] };

/** Every event type that is read here, with its newest version, as `type@version`: two releases with the same list read the same. */
export const readableEvents: readonly string[] = Object.keys(shapes)
  .map((type) => `${type}@${versions[type] ?? 1}`)
  .sort();

export interface Encoded {
  readonly type: string;
  /** JSON text. */
  readonly data: string;
  /** Goes into the metadata. */
  readonly schemaVersion: number;
}

/** The one place where events become text and text becomes events. */
export class Codec {
  constructor(
    private readonly current: { readonly [type: string]: number } = versions,
    private readonly upcasters: Upcasters = {},
  ) {}

  encode(event: DomainEvent): Encoded {
    return { type: event.type, data: JSON.stringify(event.data), schemaVersion: this.current[event.type] ?? 1 };
  }

  /**
   * @param data JSON text. @param metadata JSON text; its `schemaVersion` (1 when it has none) says how to read `data`.
   * @returns the event, or why it cannot be read here: an unknown type, a newer version, broken JSON, a missing field. Never throws.
   */
  decode(type: string, data: string, metadata: string): DomainEvent | UnreadableEvent {
    const unreadable = (why: string): UnreadableEvent => ({ type: '$unreadable', originalType: type, why });
    const shape = Object.hasOwn(shapes, type) ? shapes[type as DomainEvent['type']] : undefined;
    if (shape === undefined) return unreadable(`no event type ${type} is known here`);
    try {
      const version = versionOf(metadata);
      const newest = this.current[type] ?? 1;
      if (version === null) return unreadable('its metadata names no schema version');
      if (version > newest) return unreadable(`schema version ${version} is newer than ${newest}`);
      let value: unknown = JSON.parse(data);
      for (let from = version; from < newest; from++)
        value = (this.upcasters[type]?.[from - 1] ?? missing(type, from))(value);
      const problem = (type === 'JobBooksClosed' ? otherBooks(value) : null) ?? misshapen(value, shape);
      if (problem !== null) return unreadable(problem);
      return { type, data: value } as DomainEvent;
    } catch (error) {
      return unreadable(error instanceof Error ? error.message : String(error));
    }
  }
}

/** Books have a version of their own, that of the state in them; another one has another shape. */
function otherBooks(data: unknown): string | null {
  const { schemaVersion } = (data ?? {}) as { schemaVersion?: unknown };
  if (schemaVersion === undefined || schemaVersion === BOOKS_SCHEMA) return null;
  return `books of schema ${JSON.stringify(schemaVersion)}; ${BOOKS_SCHEMA} is known here`;
}

function missing(type: string, from: number): never {
  throw new Error(`no upcaster for ${type} from version ${from}`);
}

function versionOf(metadata: string): number | null {
  // Most metadata has no version or version 1; a parse per event would cost as much as the event itself.
  if (metadata === '' || metadata === '{}') return 1;
  // So ends what is written here. In a string its quotes would be escaped, and of a nested object there would be one more brace.
  if (metadata.endsWith(',"schemaVersion":1}')) return 1;
  if (!metadata.includes('schemaVersion')) return 1;
  const parsed: unknown = JSON.parse(metadata);
  if (typeof parsed !== 'object' || parsed === null) return null;
  const { schemaVersion = 1 } = parsed as { schemaVersion?: unknown };
  return Number.isSafeInteger(schemaVersion) && (schemaVersion as number) >= 1 ? (schemaVersion as number) : null;
}

const codec = new Codec();

/** See `Codec.encode`. */
export function encode(event: DomainEvent): Encoded {
  return codec.encode(event);
}

/** See `Codec.decode`. */
export function decode(type: string, data: string, metadata: string): DomainEvent | UnreadableEvent {
  return codec.decode(type, data, metadata);
}
