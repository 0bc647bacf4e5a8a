import type { Report } from './violation';

/** Protocol 3.3: the fold knows at least so many of the newest command ids. */
const KNOWN_COMMANDS = 64;
/** One append may hold several of these. */
const maySayTwice = new Set(['JobRunAbandoned', 'JobSlotsSkipped']);

/** I6: the events of one command stand in one append; a command id that is known adds nothing. */
export class CommandWindow {
  private known: Map<string, number> | null = null;
  private last: { readonly id: string; revision: number; readonly types: string[] } | null = null;

  check(type: string, commandId: string | undefined, revision: number, report: Report): void {
    if (commandId === undefined) return;
    const { last } = this;
    if (last !== null && last.id === commandId && last.revision === revision - 1) {
      const again = last.types.includes(type) && !maySayTwice.has(type);
      if (again) report('I6', `${type} by command ${commandId}, which has added one at revision ${last.revision}.`);
      last.revision = revision;
      last.types.push(type);
      return;
    }
    const before = this.known?.get(commandId);
    if (before !== undefined) {
      report('I6', `${type} by command ${commandId}, which has added its events at revision ${before} before.`);
    }
    this.last = { id: commandId, revision, types: [type] };
    this.remember(commandId, revision);
  }

  /** What closed books carry. */
  restore(commands: readonly { readonly id: string; readonly revision: number }[]): void {
    this.known = null;
    this.last = null;
    for (const { id, revision } of commands.slice(-KNOWN_COMMANDS)) this.remember(id, revision);
  }

  /** Only the newest are kept. */
  shrink(to: number): void {
    if (this.known === null) return;
    this.known = new Map([...this.known].slice(-to));
  }

  private remember(commandId: string, revision: number): void {
    this.known ??= new Map();
    this.known.delete(commandId);
    this.known.set(commandId, revision);
    if (this.known.size > KNOWN_COMMANDS) this.known.delete(this.known.keys().next().value as string);
  }
}
