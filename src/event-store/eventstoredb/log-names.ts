import { categoryOf } from '../port';

/** Where a log keeps who it is. Nobody but the adapter reads or writes such a stream. */
const IDENTITY = 'holdfast_log-identity';

/**
 * One server may hold several logs: the streams of a log with a namespace begin with it and a dot, and it sees no others. A log without one
 * sees every stream of the server but the server's own (`$…`).
 */
export class LogNames {
  private readonly before: string;

  /** @param namespace letters, digits and `_`, or nothing. */
  constructor(namespace: string) {
    this.before = namespace === '' ? '' : `${namespace}.`;
  }

  get identity(): string {
    return `${this.before}${IDENTITY}`;
  }

  /** Why a stream of this name cannot be written through the port, beyond what the port says; null: it can. */
  problem(stream: string): string | null {
    return stream.endsWith(IDENTITY) ? 'names that end so are of the log itself' : null;
  }

  onServer(stream: string): string {
    return `${this.before}${stream}`;
  }

  /** The name in the log of a stream of the server; null: it is none of this log's. */
  inLog(stream: string): string | null {
    if (stream.startsWith('$') || stream.endsWith(IDENTITY) || !stream.startsWith(this.before)) return null;
    return stream.slice(this.before.length);
  }

  /**
   * What the server filters by: prefixes of stream names, or an expression where every stream of the log counts. It lets some through that are
   * not asked for (`jobs-1` for the category `job`), never fewer.
   */
  filter(categories: readonly string[] | undefined): { prefixes: string[] } | { regex: string } {
    const prefixes = categories === undefined ? [this.before] : [...new Set(categories)].map((c) => this.before + c);
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
