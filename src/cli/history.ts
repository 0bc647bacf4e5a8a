import { history, stateAsOf, type AsOf, type HistoryEntry } from '../audit';
import type { EventStore } from '../event-store';
import { jsonLine, printable, type CommandIo } from './output';
import { UsageError } from './usage-error';

export interface HistoryCommandOptions {
  readonly namespace: string;
  readonly json: boolean;
  /** Null: the whole history. */
  readonly asOf: AsOf | null;
}

/** `holdfast history`: prints the facts of one job, and what they add up to. @returns the exit code. */
export async function showHistory(
  store: EventStore,
  jobId: string,
  options: HistoryCommandOptions,
  io: CommandIo,
): Promise<number> {
  const { namespace, json, asOf } = options;
  let [any, shown] = [false, false];
  for await (const entry of history(store, jobId, { namespace })) {
    any = true;
    if (asOf !== null && !within(entry, asOf)) break;
    shown = true;
    await io.out.write(json ? jsonLine(entry) : line(entry));
  }
  if (!any) {
    throw new UsageError(
      `No job ${printable(jobId)} is in this log${namespace === '' ? '' : ` (namespace ${namespace})`}.`,
      'Check the id and --namespace; ids are case-sensitive.',
    );
  }
  const end = await stateAsOf(store, jobId, asOf ?? { revision: Number.MAX_SAFE_INTEGER }, { namespace });
  if (json && asOf !== null) await io.out.write(jsonLine({ asOf: end }));
  if (!json) {
    const where = end.at === null || !shown ? 'then' : `as of revision ${end.at.revision}`;
    await io.out.write(`${where}: ${printable(end.words)}\n`);
  }
  return 0;
}

function within(entry: HistoryEntry, asOf: AsOf): boolean {
  if ('revision' in asOf) return entry.revision <= asOf.revision;
  return 'position' in asOf ? entry.position <= asOf.position : entry.created <= asOf.time;
}

function line({ revision, position, created, words }: HistoryEntry): string {
  return `${new Date(created).toISOString()}  ${revision} (position ${position})  ${printable(words)}\n`;
}

/** As `readAsOf`, of what has been: nobody can tell who will own a job. @throws UsageError */
export function readPast(text: string, now: number, option: string): AsOf {
  const point = readAsOf(text, option);
  if (!('time' in point) || point.time <= now) return point;
  throw new UsageError(
    `${option}: ${printable(text)} has not come yet.`,
    'Give a time that has passed, or leave it out for now.',
  );
}

/** `2026-03-29T01:00:00Z`, `revision:12` or `position:3456`. @throws UsageError */
export function readAsOf(text: string, option = '--as-of'): AsOf {
  const counted = /^(revision|position):(\d{1,18})$/.exec(text);
  if (counted?.[1] === 'revision') return { revision: Number(counted[2]) };
  if (counted?.[1] === 'position') return { position: BigInt(counted[2]) };
  const zoned = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/.test(text);
  const time = zoned ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return { time };
  throw new UsageError(
    `${option}: '${printable(text)}' is no point in a log.`,
    'Give a time with its zone (2026-03-29T01:00:00Z), revision:<n> or position:<n>.',
  );
}
