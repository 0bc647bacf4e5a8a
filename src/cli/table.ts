import { printable } from './output';

export interface Column {
  readonly title: string;
  /** May be cut to so many characters where the terminal is narrow; absent: never cut (ids). */
  readonly shrinkTo?: number;
  readonly right?: boolean;
}

/**
 * Aligned columns, two spaces between them. What is wider than `width` is made narrower column by column from the right, as far as `shrinkTo` allows.
 * Control characters are shown, not obeyed.
 */
export class Table {
  constructor(
    private readonly columns: readonly Column[],
    private readonly width?: number,
  ) {}

  /** @param heading whether the titles come first. @returns the lines, each with its line break. */
  lines(rows: readonly (readonly string[])[], heading = true): string {
    const safe = rows.map((row) => row.map(printable));
    const all = heading ? [this.columns.map(({ title }) => title), ...safe] : safe;
    const widths = this.widths(all);
    return all.map((row) => `${this.line(row, widths)}\n`).join('');
  }

  private widths(rows: readonly (readonly string[])[]): number[] {
    const widths = this.columns.map((_, n) => Math.max(0, ...rows.map((row) => row[n].length)));
    if (this.width === undefined) return widths;
    const gaps = 2 * (widths.length - 1);
    let over = widths.reduce((sum, one) => sum + one, gaps) - this.width;
    for (let n = widths.length - 1; n >= 0 && over > 0; n -= 1) {
      const { shrinkTo } = this.columns[n];
      if (shrinkTo === undefined || widths[n] <= shrinkTo) continue;
      const cut = Math.min(over, widths[n] - shrinkTo);
      widths[n] -= cut;
      over -= cut;
    }
    return widths;
  }

  private line(row: readonly string[], widths: readonly number[]): string {
    return row
      .map((text, n) => {
        const cut = text.length > widths[n] ? `${text.slice(0, widths[n] - 1)}…` : text;
        return this.columns[n].right ? cut.padStart(widths[n]) : cut.padEnd(widths[n]);
      })
      .join('  ')
      .trimEnd();
  }
}

/** `name   value` lines, aligned; a value that is null is left out. */
export function details(pairs: readonly (readonly [string, string | null])[]): string {
  const shown = pairs.filter((pair): pair is [string, string] => pair[1] !== null);
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}\n`).join('');
}
