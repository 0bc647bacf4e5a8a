import { namespacePrefix } from '../../domain/namespace';
import { categoryOf } from '../port';

/** Where a log keeps who it is. Nobody but the adapter reads or writes such a stream. */
const IDENTITY = 'holdfast_log-identity';

/**
 * One server may hold several logs: the streams of a log with a namespace begin with it and a dot, and it sees no others. A log without one
 * sees every stream of the server but the server's own (`$…`).
 */
export class LogNames {
  /** What the names of the log's streams begin with on the server. */
  private readonly before: string;
  /** What they have before their names in the port. */
  private readonly added: string;

  /**
   * @param namespace letters, digits and `_`, or nothing.
   * @param names `short`: the port's names are without the namespace; `full`: they are those on the server.
   */
  constructor(
    readonly namespace: string,
    names: 'short' | 'full' = 'short',
  ) {
    this.before = namespacePrefix(namespace);
    this.added = names === 'short' ? this.before : '';
  }

  get identity(): string {
    return `${this.before}${IDENTITY}`;
  }

  /** Why a stream of this name cannot be written through the port, beyond what the port says; null: it can. */
  problem(stream: string): string | null {
    if (stream.endsWith(IDENTITY)) return 'names that end so are of the log itself';
    return this.onServer(stream).startsWith(this.before)
      ? null
      : `it is none of namespace ${this.namespace}, whose streams begin with ${this.before}`;
  }

  onServer(stream: string): string {
    return `${this.added}${stream}`;
  }

  /** The name in the log of a stream of the server; null: it is none of this log's. */
  inLog(stream: string): string | null {
    if (stream.startsWith('$') || stream.endsWith(IDENTITY) || !stream.startsWith(this.before)) return null;
    return stream.slice(this.added.length);
  }

  /**
   * What the server filters by: prefixes of stream names, or an expression where every stream of the log counts. It lets some through that are
   * not asked for (`jobs-1` for the category `job`), never fewer.
   */
  filter(categories: readonly string[] | undefined): { prefixes: string[] } | { regex: string } {
    const all = categories === undefined;
    const prefixes = all ? [this.before] : [...new Set(categories)].map((category) => this.onServer(category));
    // An empty prefix is everything, the server's own streams too.
    return prefixes.length === 0 || prefixes.includes('') ? { regex: '^[^$]' } : { prefixes };
  }
}

/** Whether a stream of the log is asked for. */
export function wants(categories: readonly string[] | undefined): (stream: string) => boolean {
  if (categories === undefined) return () => true;
  const wanted = new Set(categories);
  return (stream) => wanted.has(categoryOf(stream));
}
