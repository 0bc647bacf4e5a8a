import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LogFields, Logger } from 'holdfast';

/** One line of a diary: a fact of the service's own log (`job.succeeded`, `service.fenced`, …) or of its handlers. */
export interface Line {
  readonly fact: string;
  /** Wall clock, ms. */
  readonly at: number;
  /** The machine's monotonic clock, comparable between processes, ms. */
  readonly mono: number;
  readonly pid: number;
  readonly [field: string]: unknown;
}

export function monoNow(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/**
 * What a process knows, written down at once: one synchronous write per line, so whatever a process knew before it was killed is there.
 * A line that the kill has cut off was not said.
 */
export class Diary implements Logger {
  private readonly file: number;
  constructor(
    directory: string,
    private readonly more: LogFields = {},
    file?: number,
  ) {
    this.file = file ?? openSync(join(directory, `diary-${process.pid}.jsonl`), 'a');
  }

  note(fact: string, fields: LogFields = {}): void {
    const line = { fact, at: Date.now(), mono: monoNow(), pid: process.pid, ...this.more, ...fields };
    writeSync(this.file, `${JSON.stringify(line)}\n`);
  }

  debug(): void {
    // Too much to write down in the middle of work.
  }
  info(fact: string, fields?: LogFields): void {
    this.note(fact, fields);
  }
  warn(fact: string, fields?: LogFields): void {
    this.note(fact, fields);
  }
  error(fact: string, fields?: LogFields): void {
    this.note(fact, fields);
  }
  child(fields: LogFields): Logger {
    return new Diary('', { ...this.more, ...fields }, this.file);
  }
}

/** All diaries of the directory, each in its order. */
export function readDiaries(directory: string): Line[] {
  return readdirSync(directory)
    .filter((name) => /^diary-\d+\.jsonl$/.test(name))
    .flatMap((name) => {
      const text = readFileSync(join(directory, name), 'utf8');
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      return whole
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Line);
    });
}
