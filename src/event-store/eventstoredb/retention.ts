import { StoreUnavailableError } from '../port';
import { outcomeOf } from './outcome';
import type { ServerCalls } from './server-calls';

const MAX_COUNT = '$maxCount';
/** In whole seconds. */
const MAX_AGE = '$maxAge';
const MOST_TRIES = 8;

/**
 * How many events of a technical stream are kept, and for how long: `$maxCount` and `$maxAge` in the metadata of the stream. Metadata is replaced
 * as a whole, so what others have put there (`$acl`, …; `$maxAge` where no age is said) is read and written again, at the exact revision that was read.
 */
export class Retention {
  constructor(private readonly calls: ServerCalls) {}

  /** @param stream its name on the server. @throws StoreUnavailableError */
  async keepLast(stream: string, count: number, maxAgeMs?: number): Promise<void> {
    const said = { [MAX_COUNT]: count, ...(maxAgeMs !== undefined && { [MAX_AGE]: Math.ceil(maxAgeMs / 1_000) }) };
    for (let tries = 1; ; tries++) {
      const { metadata, revision } = await this.read(stream);
      if (Object.entries(said).every(([key, value]) => metadata[key] === value)) return;
      try {
        return await this.calls.replaceMetadata(stream, revision, { ...metadata, ...said });
      } catch (error) {
        // Another one was faster; or nobody knows: then what was written is read.
        const { outcome } = outcomeOf(error);
        if ((outcome !== 'conflict' && outcome !== 'unknown') || tries === MOST_TRIES)
          throw outcome === 'unavailable'
            ? this.calls.unreadable(error)
            : new StoreUnavailableError(`How much of ${stream} is kept was not written.`, 'unavailable', undefined, {
                cause: error,
              });
      }
    }
  }

  private async read(stream: string): Promise<{ metadata: Record<string, unknown>; revision: bigint | 'no_stream' }> {
    const [found] = (await this.calls.readStream(`$$${stream}`, 'backwards', 'end', 1)) ?? [];
    if (found?.event === undefined) return { metadata: {}, revision: 'no_stream' };
    const { data, revision, isJson } = found.event;
    return { metadata: isJson ? (data as Record<string, unknown>) : {}, revision };
  }
}
