/** The command cannot be done as it was given. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  constructor(message: string, remedy: string) {
    super(`${message} ${remedy}`);
  }
}
