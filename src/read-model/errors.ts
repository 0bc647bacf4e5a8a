/** The view did not reach the position in time. What was asked for may be there later. */
export class ViewTimeoutError extends Error {
  override readonly name = 'ViewTimeoutError';
  constructor(
    readonly position: bigint,
    readonly reached: bigint | 'start',
    readonly timeoutMs: number,
  ) {
    super(
      `The view is at ${reached}, not yet at ${position}, after ${timeoutMs} ms. Ask again, with a longer time-out, or without waiting.`,
    );
  }
}

/** The view was closed; it answers nothing any more. */
export class ViewClosedError extends Error {
  override readonly name = 'ViewClosedError';
  constructor() {
    super('The view is closed.');
  }
}

/**
 * The log has not answered since this process started, so the view has not been compared with it: what it holds may be of another log, or of a
 * state that this one has gone back from.
 */
export class ViewNotComparedError extends Error {
  override readonly name = 'ViewNotComparedError';
  constructor() {
    super(
      'The view cannot be read yet: the log has not answered since this process started, and the view must be compared with it first. Ask again when the log answers; readiness tells.',
    );
  }
}

/** Another process, or another view of this one, holds the file. Each service needs one of its own. */
export class ViewLockedError extends Error {
  override readonly name = 'ViewLockedError';
  constructor(
    readonly path: string,
    options?: { cause?: unknown },
  ) {
    super(
      `The view's file ${path} is in use by another process. Give every service its own service id or state directory, or end the other process.`,
      options,
    );
  }
}
