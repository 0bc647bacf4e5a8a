import { verifyLog, type VerifyReport } from '../audit';
import { SystemClock } from '../clock';
import type { EventStore } from '../event-store';
import { jsonLine, OutputClosedError, printable, type CommandIo } from './output';

export interface VerifyCommandOptions {
  readonly namespace: string;
  readonly json: boolean;
}

/** `holdfast verify`: prints what breaks which rule. @returns the exit code: 0 the log is sound, 1 it is not. */
export async function verify(store: EventStore, options: VerifyCommandOptions, io: CommandIo): Promise<number> {
  let shown = false;
  const report = await verifyLog(store, {
    namespace: options.namespace,
    clock: new SystemClock(),
    onProgress: ({ events, position, head }) => {
      if (!io.interactive) return;
      shown = true;
      io.err.write(`\rchecked ${events} events, position ${position} of ${head}`).catch(() => undefined);
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

/** What breaks which rule, and what was checked. */
export function verdictLines(report: VerifyReport): string[] {
  const { events, jobs, position, log, violations, violationCount, unreadable, unreadableCount } = report;
  const lines = violations.map(
    ({ invariant, stream, revision, position: at, eventId, words }) =>
      `${invariant}  ${printable(stream)} revision ${revision}, position ${at}, event ${printable(eventId)}\n    ${printable(words)}`,
  );
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
