/** Where a command writes; resolves when the text was taken. Rejects with `OutputClosedError` when nobody reads it any more. */
export interface Output {
  write(text: string): Promise<void>;
}

export interface CommandIo {
  readonly out: Output;
  readonly err: Output;
  /** `err` is read by a person at a terminal: progress is shown there. */
  readonly interactive: boolean;
  /** Columns of the terminal that `out` is; tables are cut to it. Absent: it is no terminal, and nothing is cut. */
  readonly width?: number;
}

/** The reader of a pipe has gone (`holdfast history … | head`). */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError';
}

/** Writes to a stream of the process, as fast as its reader takes it. */
export class StreamOutput implements Output {
  private closed = false;

  constructor(private readonly stream: NodeJS.WriteStream) {
    // Without a listener a broken pipe ends the process with a stack trace.
    stream.on('error', () => {
      this.closed = true;
    });
  }

  write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(new OutputClosedError());
      this.stream.write(text, (error) => (error ? reject(new OutputClosedError(error.message)) : resolve()));
    });
  }
}

/** One line of JSON; positions are decimal strings. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? String(part) : part))}\n`;
}

/** Text of a log, safe for a terminal: control characters are shown, not obeyed. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
