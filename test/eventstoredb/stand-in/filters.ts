import type { ReadReq } from '@eventstore/db-client/generated/streams_pb';
import type { StoredRecord } from './record';

const DEFAULT_WINDOW = 32;

export interface RecordFilter {
  /** How many records are looked at for one page. */
  readonly window: number;
  readonly matches: (record: StoredRecord) => boolean;
  /** After how many records that were looked at a checkpoint is due, matching or not. */
  readonly checkpointEvery: number;
}

export function filterOf(options: ReadReq.Options.FilterOptions | undefined): RecordFilter | undefined {
  if (!options) return undefined;
  const window = options.hasMax() ? options.getMax() : DEFAULT_WINDOW;
  const byType = options.hasEventType();
  const expression = (byType ? options.getEventType() : options.getStreamIdentifier())!;
  const subject = ({ type, stream }: StoredRecord) => (byType ? type : stream);
  const regex = expression.getRegex();
  const prefixes = expression.getPrefixList();
  const pattern = regex === '' ? undefined : new RegExp(regex);
  return {
    window,
    matches: (record) =>
      pattern ? pattern.test(subject(record)) : prefixes.some((prefix) => subject(record).startsWith(prefix)),
    checkpointEvery: window * options.getCheckpointintervalmultiplier(),
  };
}
