import type { Key } from './keyset';

/** The text is no cursor of such a page: it was changed, cut, or belongs to a page in another order. */
export class BadCursorError extends Error {
  override readonly name = 'BadCursorError';
  constructor(readonly cursor: string) {
    super(
      'This is not the cursor of such a page. Pass `next` of the previous page unchanged, with the same filter, or leave it out.',
    );
  }
}

/** Where a page ended, as text that is safe in a URL. */
export function writeCursor({ due, id }: Pick<Key, 'due' | 'id'>): string {
  return Buffer.from(JSON.stringify(due === null ? [id] : [id, due])).toString('base64url');
}

/** @throws BadCursorError */
export function readCursor(cursor: string, timed: boolean): Key {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw new BadCursorError(cursor);
  }
  if (!Array.isArray(parts)) throw new BadCursorError(cursor);
  const [id, due] = parts as unknown[];
  if (typeof id !== 'string' || parts.length !== (timed ? 2 : 1)) throw new BadCursorError(cursor);
  if (timed && !Number.isSafeInteger(due)) throw new BadCursorError(cursor);
  return { n: 0, id, due: timed ? (due as number) : null };
}
