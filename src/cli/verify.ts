import { verifyLog, type NeighbourOfViolation, type VerifyProgress, type VerifyReport } from '../audit';
import { SystemClock } from '../clock';
import type { EventStore } from '../event-store';
import { iso } from './words';
import { jsonLine, OutputClosedError, printable, type CommandIo } from './output';

export interface VerifyCommandOptions {
  readonly namespace: string;
  readonly json: boolean;
  /** Events shown on either side of a violation. Default 2. */
  readonly neighbours?: number;
}

/** `holdfast verify`: prints what breaks which rule. @returns the exit code: 0 the log is sound, 1 it is not. */
export async function verify(store: EventStore, options: VerifyCommandOptions, io: CommandIo): Promise<number> {
  let shown = false;
  const clock = new SystemClock();
  const begun = clock.monotonic();
  const report = await verifyLog(store, {
    namespace: options.namespace,
    neighbours: options.neighbours,
    clock,
    onProgress: (progress) => {
      if (!io.interactive) return;
      shown = true;
      io.err.write(`\r${progressLine(progress, clock.monotonic() - begun)}\u001b[K`).catch(() => undefined);
    },
  });
  if (shown) await io.err.write('\r\u001b[K');
  // Whether or not somebody reads it to the end, the code tells what was found.
  await io.out.write(options.json ? jsonLine(report) : text(report)).catch((error: unknown) => {
    if (!(error instanceof OutputClosedError)) throw error;
  });
  return report.violationCount === 0 ? 0 : 1;
}

function text(report: VerifyReport): string {
  return `${verdictLines(report).join('\n')}\n`;
}

/** How far it is, how fast, and what was found so far. */
function progressLine({ events, position, head, violations }: VerifyProgress, elapsedMs: number): string {
  const share = position === 'start' || head === 'start' ? 0 : Number((position * 100n) / head);
  const rate = elapsedMs < 500 ? '' : `, ${Math.round((events / elapsedMs) * 1_000)} events/s`;
  const found = violations === 0 ? '' : `, ${violations} violation${violations === 1 ? '' : 's'}`;
  return `checked ${events} events, position ${position} of ${head} (${share} %)${rate}${found}`;
}

/** One event around a violation; the one that breaks the rule is marked. */
function neighbourLine({ revision, created, type, words, breaks }: NeighbourOfViolation): string {
  return `    ${breaks ? '>' : ' '} ${revision}  ${iso(created)}  ${printable(type)}: ${printable(words)}`;
}

/** What breaks which rule, and what was checked. */
export function verdictLines(report: VerifyReport): string[] {
  const { events, jobs, position, log, violations, violationCount, unreadable, unreadableCount } = report;
  const lines = violations.flatMap(({ invariant, stream, revision, position: at, eventId, words, neighbours }) => [
    `${invariant}  ${printable(stream)} revision ${revision}, position ${at}, event ${printable(eventId)}`,
    `    ${printable(words)}`,
    ...neighbours.map(neighbourLine),
  ]);
  if (violationCount > violations.length) lines.push(`… and ${violationCount - violations.length} more violations`);
  for (const { stream, revision, position: at, type, why } of unreadable) {
    lines.push(
      `unreadable  ${printable(stream)} revision ${revision}, position ${at}, ${printable(type)}: ${printable(why)}`,
    );
  }
  if (unreadableCount > unreadable.length) lines.push(`… and ${unreadableCount - unreadable.length} more unreadable`);
  if (unreadableCount > 0) {
    lines.push('What follows an unreadable event in its stream was not judged: use a release that reads it.');
  }
  const sound = violationCount === 0 ? 'no violation' : `${violationCount} violation${violationCount === 1 ? '' : 's'}`;
  lines.push(
    `${events} events of ${jobs} jobs up to position ${position} (log ${log.id}, generation ${log.generation}): ${sound}`,
  );
  return lines;
}
