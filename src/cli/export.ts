import { takenAt, type AsOf } from '../audit';
import { namespacePrefix } from '../domain/namespace';
import { categoryOf, type EventStore, type LogPosition, type RecordedEvent } from '../event-store';
import { printable, type CommandIo } from './output';
import { NotThereError, UsageError } from './usage-error';
import { iso } from './words';

export interface ExportOptions {
  readonly namespace: string;
  readonly job?: string;
  /** Categories within the namespace. */
  readonly category?: readonly string[];
  /** Inclusive. */
  readonly from?: AsOf;
  /** Inclusive. */
  readonly to?: AsOf;
  /** The payload of jobs is left out. */
  readonly withoutPayloads: boolean;
}

/** An append holds up to 1 MiB: so many events are read at once. */
const PAGE = 200;

/**
 * `holdfast export`: every event, one line of JSON each, in the order of the log, up to the head it has now. Holds one page in memory at a time, and
 * waits for its reader. @returns the exit code.
 */
export async function exportLog(store: EventStore, options: ExportOptions, io: CommandIo): Promise<number> {
  const events = options.job === undefined ? ofLog(store, options) : ofJob(store, options.job, options);
  let [text, any] = ['', false];
  for await (const page of events) {
    for (const event of page) {
      any = true;
      text += line(event, options.withoutPayloads);
      if (text.length < 65_536) continue;
      await io.out.write(text);
      text = '';
    }
    await io.out.write(text);
    text = '';
  }
  if (!any && options.job !== undefined && options.from === undefined && options.to === undefined) {
    throw new NotThereError(`No job ${printable(options.job)} is in this log.`, 'Check the id and --namespace.');
  }
  return 0;
}

async function* ofLog(store: EventStore, options: ExportOptions): AsyncGenerator<RecordedEvent[]> {
  const { namespace, from, to } = options;
  if ((from && 'revision' in from) || (to && 'revision' in to)) {
    throw new UsageError('A revision counts within one stream.', 'Add --job <id>, or give a time or a position.');
  }
  const prefix = namespacePrefix(namespace);
  const wanted = options.category ?? (prefix === '' ? null : ['job', 'service', 'heartbeat']);
  const categories = wanted?.map((category) => `${prefix}${category}`);
  const head = await store.head();
  if (head === 'start') return;
  let after: LogPosition = from === undefined ? 'start' : await before(store, from, head);
  for (;;) {
    const slice = await store.readAll({ after, limit: PAGE, ...(categories && { categories }) });
    const page = slice.events.filter((event) => event.position <= head && upTo(event, to));
    yield page;
    if (page.length < slice.events.length || slice.end || slice.position === 'start' || slice.position >= head) return;
    after = slice.position;
  }
}

async function* ofJob(store: EventStore, jobId: string, options: ExportOptions): AsyncGenerator<RecordedEvent[]> {
  const { namespace, category, from, to } = options;
  if (category !== undefined) throw new UsageError('--job names one stream.', 'Leave out --category.');
  const stream = `${namespacePrefix(namespace)}job-${jobId}`;
  const first = from !== undefined && 'revision' in from ? from.revision : 0;
  for (let next = first; ;) {
    const { events, head } = await store.readStream(stream, { direction: 'forwards', from: next, limit: PAGE });
    const page = events.filter((event) => upTo(event, to));
    yield page.filter((event) => onFrom(event, from));
    const last = events.at(-1);
    if (last === undefined || page.length < events.length || last.revision === head) return;
    next = last.revision + 1;
  }
}

/** The place in the log that is right before a point: positions and times go up together, so halving finds it. */
async function before(store: EventStore, from: AsOf, head: bigint): Promise<LogPosition> {
  if ('position' in from) return from.position <= 1n ? 'start' : from.position - 1n;
  const first = async (after: bigint): Promise<RecordedEvent | undefined> =>
    (await store.readAll({ after: after === 0n ? 'start' : after, limit: 1 })).events[0];
  // After `low` comes what is too early, after `high` what is not (or nothing).
  let [low, high] = [-1n, head];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    const event = await first(middle);
    if (event !== undefined && !onFrom(event, from)) low = middle;
    else high = middle;
  }
  return high === 0n ? 'start' : high;
}

function onFrom(event: RecordedEvent, from: AsOf | undefined): boolean {
  if (from === undefined) return true;
  if ('revision' in from) return event.revision >= from.revision;
  return 'position' in from ? event.position >= from.position : takenAt(event) >= from.time;
}

function upTo(event: RecordedEvent, to: AsOf | undefined): boolean {
  if (to === undefined) return true;
  if ('revision' in to) return event.revision <= to.revision;
  return 'position' in to ? event.position <= to.position : takenAt(event) <= to.time;
}

/** Data and metadata as they were written; line breaks between their parts are spaces. */
function line(event: RecordedEvent, withoutPayloads: boolean): string {
  const { stream, revision, position, id, type, data, metadata } = event;
  const head = { position: String(position), stream, category: categoryOf(stream), revision, id, type };
  const text = withoutPayloads ? withoutPayload(data) : oneLine(data);
  return `${JSON.stringify({ ...head, created: iso(takenAt(event)) }).slice(0, -1)},"data":${text},"metadata":${oneLine(metadata)}}\n`;
}

function oneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ') : json;
}

/** Payloads are in definitions: of JobScheduled and JobRescheduled, and of the state in JobBooksClosed. */
function withoutPayload(data: string): string {
  if (!data.includes('"payload"')) return oneLine(data);
  const parsed = JSON.parse(data) as { definition?: unknown; state?: { definition?: unknown } };
  for (const definition of [parsed.definition, parsed.state?.definition]) {
    if (definition !== null && typeof definition === 'object') delete (definition as { payload?: unknown }).payload;
  }
  return JSON.stringify(parsed);
}
