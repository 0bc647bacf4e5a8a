import type Database from 'better-sqlite3';
import { StoreUnusableError } from '../event-store';

export type Driver = typeof Database;

/** Loads the native module: only those who open a view need it. */
export async function loadDriver(): Promise<Driver> {
  try {
    const { default: driver } = await import('better-sqlite3');
    return driver;
  } catch (error) {
    throw new StoreUnusableError(
      'driver-missing',
      'The read model needs better-sqlite3, which could not be loaded.',
      'Install better-sqlite3 12 (after a change of the Node version: npm rebuild better-sqlite3).',
      { cause: error },
    );
  }
}
