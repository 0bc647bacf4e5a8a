import { verifyLog, type AuditScope, type VerifyReport } from '../audit';
import type { Clock } from '../clock';
import { namespacePrefix } from '../domain/namespace';
import type { EventStore, LogIdentity, LogPosition, RecordedEvent } from '../event-store';
import { compareLogs, copied, type Comparison, type Difference } from './compare-logs';
import { CopyRefusedError } from './copy-refused-error';
import { Copying } from './copying';
import { patiently } from './patience';
import { RunningServices } from './running-services';
import { walk } from './walk';

/** The last generation there is; the copy needs the one after that of its source. */
const LAST_GENERATION = 511;

export interface CopyOptions extends AuditScope {
  readonly clock: Clock;
  /** Called after each event. */
  readonly onProgress?: (progress: CopyProgress) => void;
}

export interface CopyProgress {
  readonly phase: 'comparing' | 'copying' | 'checking';
  readonly events: number;
  /** In the log that is copied; of `checking`: in the copy. */
  readonly position: LogPosition;
  /** Where it ends. */
  readonly head: LogPosition;
}

export interface CopyReport {
  readonly from: LogIdentity;
  /** Its generation is above that of `from`: every fencing token of the copy is greater than every one that was given before. */
  readonly to: LogIdentity;
  /** The head of the log that is copied, when it began: everything up to it was copied. */
  readonly position: LogPosition;
  /** Events of jobs and services in the copy. */
  readonly events: number;
  readonly streams: number;
  /** Those of them that were copied now; the others were there. */
  readonly added: number;
  /** Over stream, revision, id, type, data and metadata of all events of the copy, in their order. */
  readonly sha256: string;
  /** Where the copy is not what it should be; null: nowhere. */
  readonly difference: Difference | null;
  /** Events of jobs and services that the log has got since it began: they are not in the copy. */
  readonly behind: number;
  /** Services that had neither stopped nor failed in what was copied. */
  readonly running: readonly string[];
  /** Whether the copy keeps the rules; null: it differs, and was not checked. */
  readonly check: VerifyReport | null;
}

/** The copy is whole, equals its source, keeps the rules, and its source has nothing more. */
export function isWhole({ difference, check, behind }: CopyReport): boolean {
  return difference === null && check?.violationCount === 0 && behind === 0;
}

/**
 * Copies the streams of jobs and services, with ids, revisions, order, types, data and metadata as they are, up to the head that the log has now, and
 * compares both afterwards. Each event says in its metadata (`copied`) where it was first. Technical streams are not copied: beats tell of lives
 * that end with the move, and the copy is a log of its own.
 *
 * Broken off and started again, it goes on where it stopped: what the target holds must be the beginning of the copy, and nothing else.
 * @throws CopyRefusedError, StoreUnavailableError
 */
export async function copyLog(source: EventStore, target: EventStore, options: CopyOptions): Promise<CopyReport> {
  const { namespace = '', clock, onProgress } = options;
  const prefix = namespacePrefix(namespace);
  const categories = [`${prefix}job`, `${prefix}service`];
  const from = await patiently(clock, () => source.identity());
  const before = await patiently(clock, () => target.identity());
  refuseLogs(from, before);
  const head = await patiently(clock, () => source.head());
  const running = new RunningServices(`${prefix}service`);
  const tell = (phase: CopyProgress['phase'], events: number, position: LogPosition) =>
    onProgress?.({ phase, events, position, head });
  async function* ofSource(after: LogPosition): AsyncGenerator<RecordedEvent, void> {
    for await (const event of walk(source, { clock, categories, after, to: head })) yield copied(event, from.id);
  }
  const compare = async (see: (event: RecordedEvent) => void): Promise<Comparison> => {
    const to = await patiently(clock, () => target.head());
    // Beats in the target are those of services that run on it.
    const wide = [...categories, `${prefix}heartbeat`];
    const found = walk(target, { clock, categories: wide, after: 'start', to });
    return compareLogs(ofSource('start'), found, (event, events) => {
      see(event);
      tell('comparing', events, event.position);
    });
  };

  let compared = await compare((event) => running.see(event));
  if (compared.difference !== null && compared.difference.kind !== 'missing') refuseTarget(compared);
  const known = compared.events;
  if (compared.difference !== null) {
    await raiseAbove(target, from.generation, clock);
    const copying = new Copying(target, clock);
    let events = known;
    for await (const event of ofSource(compared.position)) {
      running.see(event);
      await copying.take(event);
      tell('copying', ++events, event.position);
    }
    await copying.flush();
    compared = await compare(() => undefined);
  } else if (known === 0) refuseNothing(namespace);
  // Also for a copy that was broken off between its last event and this.
  const to = await raiseAbove(target, from.generation, clock);
  const { difference, events, streams, sha256 } = compared;
  const report = { from, to, position: head, events, streams, added: events - known, sha256: sha256.found, difference };
  return {
    ...report,
    behind: await countBehind(source, { clock, categories, after: head }),
    running: running.ids(),
    check:
      difference !== null
        ? null
        : await verifyLog(target, {
            namespace,
            clock,
            onProgress: (at) => onProgress?.({ phase: 'checking', ...at }),
          }),
  };
}

function refuseLogs(from: LogIdentity, to: LogIdentity): void {
  if (from.id === to.id)
    throw new CopyRefusedError(
      'same-log',
      'to',
      `log ${to.id}`,
      'It is the log that is to be copied, or a backup of it.',
      'Name a new log.',
    );
  if (from.generation >= LAST_GENERATION)
    throw new CopyRefusedError(
      'generations',
      'from',
      `generation ${from.generation}`,
      'The copy has a generation of its own above it, and there is none.',
      'Keep this log where it is.',
    );
}

function refuseTarget({ difference, events }: Comparison): never {
  const { found, words } = difference as Difference;
  throw new CopyRefusedError(
    'target-not-empty',
    'to',
    found === null ? '' : `${found.stream} revision ${found.revision}`,
    `The target holds other events than this copy: ${words}${events === 0 ? '' : ` (the ${events} events before are equal)`}.`,
    'Copy into an empty log, or into one that holds a part of this copy and on which no service has run.',
  );
}

function refuseNothing(namespace: string): never {
  throw new CopyRefusedError(
    'nothing-to-copy',
    'from',
    namespace === '' ? 'no namespace' : `namespace ${namespace}`,
    'The log holds no job and no service there.',
    'Check --namespace; a log with several is copied one namespace after the other.',
  );
}

/** Protocol §6: a token is generation · 2⁴⁴ + revision, so none of the copy is below one that was given before, or is given yet by what still runs. */
async function raiseAbove(target: EventStore, generation: number, clock: Clock): Promise<LogIdentity> {
  let identity = await patiently(clock, () => target.identity());
  while (identity.generation <= generation) identity = await patiently(clock, () => target.raiseGeneration());
  return identity;
}

async function countBehind(source: EventStore, part: Omit<Parameters<typeof walk>[1], 'to'>): Promise<number> {
  const to = await patiently(part.clock, () => source.head());
  let behind = 0;
  for await (const _event of walk(source, { ...part, to })) behind += 1;
  return behind;
}
