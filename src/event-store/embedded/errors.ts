import { StoreUnavailableError, StoreUnusableError } from '../port';

/**
 * SQLite's name of an error (`SQLITE_BUSY`, …), or that of the system call (`EACCES`, …); empty: neither.
 * Not by `instanceof`: the driver keeps the error class of the first context that loaded it (test runners use many).
 */
export function codeOf(error: unknown): string {
  const { code } = fieldsOf(error);
  return typeof code === 'string' ? code : '';
}

export function messageOf(error: unknown): string {
  const { message } = fieldsOf(error);
  return typeof message === 'string' ? message : String(error);
}

function fieldsOf(error: unknown): { readonly code?: unknown; readonly message?: unknown } {
  return typeof error === 'object' && error !== null ? error : {};
}

/** Another connection has what this one needs; it passes. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(codeOf(error));
}

/** No room: what was under way is certainly not written. */
export function isFull(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_FULL');
}

function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(codeOf(error));
}

export const RESTORE =
  'Stop all services, keep the file for examination, restore it from a backup, then run "holdfast restored".';

export function damaged(path: string, what: string, cause?: unknown): StoreUnusableError {
  return new StoreUnusableError('damaged', `The log ${path} is damaged: ${what}.`, RESTORE, { cause });
}

/** Why a log could not be opened, in words that help. */
export function unusable(path: string, error: unknown): Error {
  if (error instanceof StoreUnusableError || error instanceof StoreUnavailableError) return error;
  const code = codeOf(error);
  const message = messageOf(error);
  const cause = { cause: error };
  if (isDamage(error)) return damaged(path, message, error);
  if (isFull(error) || code === 'ENOSPC' || code === 'EDQUOT')
    return new StoreUnusableError(
      'disk-full',
      `There is no room to open the log ${path}: ${message}.`,
      'Free space, then start again.',
      cause,
    );
  if (/^SQLITE_READONLY/.test(code) || code === 'EROFS')
    return new StoreUnusableError('read-only', `The log ${path} cannot be written: ${message}.`, WRITABLE, cause);
  return new StoreUnusableError(
    'path',
    `The log ${path} cannot be opened: ${message}.`,
    'Check the path, its directory and their permissions.',
    cause,
  );
}

export const WRITABLE = 'Make the file and its directory writable for this user, or open the log read-only.';

/** Why it cannot be read now. */
export function unreadable(path: string, error: unknown): Error {
  if (error instanceof StoreUnavailableError || error instanceof RangeError) return error;
  const cause = { cause: error };
  if (isBusy(error))
    return new StoreUnavailableError(
      `The log ${path} is locked by another process.`,
      'busy',
      'Look for a process that is stopped (state T) while it has the file open.',
      cause,
    );
  if (isDamage(error))
    return new StoreUnavailableError(`The log ${path} is damaged: ${messageOf(error)}.`, 'damaged', RESTORE, cause);
  return new StoreUnavailableError(
    `The log ${path} cannot be read: ${messageOf(error)}.`,
    'io',
    'Check the disk and the permissions of the file.',
    cause,
  );
}
