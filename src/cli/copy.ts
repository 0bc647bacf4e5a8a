import { SystemClock } from '../clock';
import { copyLog, isWhole, type CopyProgress, type CopyReport } from '../copy';
import type { EventStore } from '../event-store';
import { jsonLine, OutputClosedError, printable, type CommandIo } from './output';
import { verdictLines } from './verify';

export interface CopyCommandOptions {
  readonly namespace: string;
  readonly json: boolean;
}

/** To a file or a journal, progress is told so often. */
const TELL_EVERY_MS = 10_000;
/** To a person. */
const SHOW_EVERY_MS = 100;

/** `holdfast copy`: copies, compares, checks; tells what it did. @returns the exit code: 0 the copy is whole, 1 it is not. */
export async function copy(
  source: EventStore,
  target: EventStore,
  options: CopyCommandOptions,
  io: CommandIo,
): Promise<number> {
  const clock = new SystemClock();
  const progress = new Progress(io, clock);
  let report: CopyReport;
  try {
    report = await copyLog(source, target, { ...options, clock, onProgress: (at) => progress.tell(at) });
  } finally {
    await progress.end();
  }
  await io.out.write(options.json ? jsonLine({ whole: isWhole(report), ...report }) : text(report)).catch(unlessClosed);
  if (!options.json)
    for (const words of warnings(report)) await io.err.write(`holdfast: ${words}\n`).catch(unlessClosed);
  return isWhole(report) ? 0 : 1;
}

class Progress {
  private told: number;
  private shown = false;

  constructor(
    private readonly io: CommandIo,
    private readonly clock: SystemClock,
  ) {
    this.told = clock.monotonic();
  }

  tell({ phase, events, position, head }: CopyProgress): void {
    const { interactive, err } = this.io;
    const now = this.clock.monotonic();
    if (now - this.told < (interactive ? SHOW_EVERY_MS : TELL_EVERY_MS)) return;
    this.told = now;
    this.shown ||= interactive;
    const words = `${phase}: ${events} events, position ${position} of ${head}`;
    err.write(interactive ? `\r\u001b[K${words}` : `holdfast: ${words}\n`).catch(() => undefined);
  }

  async end(): Promise<void> {
    if (this.shown) await this.io.err.write('\r\u001b[K').catch(() => undefined);
  }
}

function text(report: CopyReport): string {
  const { from, to, position, events, streams, added, sha256, difference, check } = report;
  const lines = [
    `log ${from.id}, generation ${from.generation}, up to position ${position}`,
    `copied to log ${to.id}, generation ${to.generation}: ${added} events now, ${events} in all, of ${streams} jobs and services`,
  ];
  if (difference !== null) lines.push(`the copy differs: ${printable(difference.words)}`);
  else lines.push(`both are equal: sha256 ${sha256}`);
  if (check !== null) lines.push(...verdictLines(check));
  return `${lines.join('\n')}\n`;
}

function warnings({ difference, behind, running, check }: CopyReport): string[] {
  const words: string[] = [];
  if (difference !== null)
    words.push(
      'The copy is not the log: somebody else wrote to it, or its store altered it. Use another target; this one serves nobody.',
    );
  if (check !== null && check.violationCount > 0)
    words.push('The copy breaks rules. `holdfast verify` of the log it is from tells whether that one did before.');
  if (behind > 0)
    words.push(
      `The log has got ${behind} events since the copy began, and they are not in it. Stop its services, and start the same copy again: it goes on where it stopped.`,
    );
  if (running.length > 0)
    words.push(
      `Not stopped in what was copied: ${printable(running.join(', '))}. A service that runs must be stopped before others start on the copy: \`holdfast drain\`, stop it, and start the same copy again. One that is dead will be found silent there, and its jobs move.`,
    );
  return words;
}

function unlessClosed(error: unknown): void {
  if (!(error instanceof OutputClosedError)) throw error;
}
