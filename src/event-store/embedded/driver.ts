import type Database from 'better-sqlite3';
import { StoreUnusableError } from '../port';

export type Connection = Database.Database;
export type Statement = Database.Statement<unknown[], unknown>;
type Driver = typeof Database;

const REMEDY =
  'Install better-sqlite3 12 (it compiles at install: a C++ toolchain and python3 are needed), or use another store.';

/** Loads the driver when the first log is opened, so that whoever uses another store needs none. */
export async function loadDriver(): Promise<Driver> {
  try {
    const { default: driver } = await import('better-sqlite3');
    // The native part is loaded by the first connection; a package whose build failed shows it only here.
    new driver(':memory:').close();
    return driver;
  } catch (cause) {
    throw new StoreUnusableError(
      'driver-missing',
      'The embedded log needs better-sqlite3, which cannot be loaded.',
      REMEDY,
      {
        cause,
      },
    );
  }
}
