/** The command cannot be done as it was given. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(message: string, remedy: string) {
    super(`${message} ${remedy}`);
  }
}

/** There is no file where the log should be. */
export class LogMissingError extends UsageError {
  constructor(path: string) {
    super(`There is no log ${path}.`, 'Name the file of an embedded log.');
  }
}

/** What was asked for is not in the log. */
export class NotThereError extends Error {
  override readonly name = 'NotThereError';
  constructor(message: string, remedy: string) {
    super(`${message} ${remedy}`);
  }
}
