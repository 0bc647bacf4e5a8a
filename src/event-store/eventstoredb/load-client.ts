import type * as DbClient from '@eventstore/db-client';
import { StoreUnusableError } from '../port';

/** What `require('@eventstore/db-client')` gives. */
export type ClientModule = typeof DbClient;

/** The versions that Holdfast works with. */
export const CLIENT_RANGE = '^6.2.1';

const INSTALL = `npm install @eventstore/db-client@${CLIENT_RANGE}`;

/**
 * The only place that loads the client, when the first log of EventStoreDB is opened: whoever uses another log needs none.
 * @throws StoreUnusableError `driver-missing`, with the command to type.
 */
export async function loadClient(): Promise<ClientModule> {
  try {
    // Not import(): a test runner that keeps modules in a context of its own, as jest does, refuses that one.
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    return require('@eventstore/db-client') as ClientModule;
  } catch (cause) {
    const { code, message = '' } = cause as { code?: unknown; message?: string };
    const absent =
      (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') &&
      /['"]@eventstore\/db-client['"]/.test(message);
    throw new StoreUnusableError(
      'driver-missing',
      absent
        ? `A log in EventStoreDB needs the package @eventstore/db-client (${CLIENT_RANGE}), which is not installed.`
        : `The package @eventstore/db-client is installed but cannot be loaded (${message.split('\n', 1)[0].trim()}).`,
      absent ? `Install it with \`${INSTALL}\`.` : `Install it anew with \`${INSTALL}\`.`,
      { cause },
    );
  }
}
