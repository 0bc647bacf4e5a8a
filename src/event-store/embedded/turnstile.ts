import { mkdirSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A ticket that has been first in the line for so long without a change belongs to a process that is dead or stopped. */
const STALE_MS = 150;
const DIGITS = 12;

let instances = 0;

/**
 * The line of those who wait to write, across processes: one empty file per waiter in a directory beside the log, named by number.
 * SQLite's lock alone is unfair: whoever just released it is the first to take it again. Only fairness hangs on this, never safety:
 * the lock decides who writes.
 */
export class Turnstile {
  private readonly self = `${process.pid}-${++instances}`;
  private mine: string | null = null;
  /** Others waited too when this was last asked who may go. */
  crowded = false;
  private first: { readonly name: string; readonly since: number } | null = null;

  constructor(private readonly directory: string) {}

  /** Nobody else waits, or all others came later. */
  mayGo(now: number): boolean {
    const others = this.tickets().filter((name) => !this.isMine(name));
    this.crowded = others.length > 0;
    const ahead = others.find((name) => this.mine === null || name < this.mine);
    if (ahead === undefined) {
      this.first = null;
      return true;
    }
    if (this.first?.name !== ahead) this.first = { name: ahead, since: now };
    else if (now - this.first.since > STALE_MS) {
      this.remove(ahead);
      this.first = null;
    }
    return false;
  }

  /** Takes a number, once, behind all who wait. */
  announce(): void {
    if (this.mine !== null) return;
    const last = Number(this.tickets().at(-1)?.slice(0, DIGITS) ?? 0);
    const name = `${String(last + 1).padStart(DIGITS, '0')}-${this.self}`;
    try {
      writeFileSync(join(this.directory, name), '', { mode: 0o600 });
      this.mine = name;
    } catch {
      // The directory was removed; without it the line is unfair for a moment, no more.
      this.prepare();
    }
  }

  /** Gives the number back. */
  leave(): void {
    if (this.mine !== null) this.remove(this.mine);
    this.mine = null;
  }

  prepare(): void {
    try {
      mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    } catch {
      // As above.
    }
  }

  private tickets(): string[] {
    try {
      return readdirSync(this.directory)
        .filter((name) => /^\d{12}-/.test(name))
        .sort();
    } catch {
      return [];
    }
  }

  private isMine(name: string): boolean {
    return name.slice(DIGITS + 1) === this.self;
  }

  private remove(name: string): void {
    try {
      unlinkSync(join(this.directory, name));
    } catch {
      // Somebody else removed it.
    }
  }
}
