/** Lines for people: colour on a terminal only, one line per fact. */
const colours = { dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
export type Colour = keyof typeof colours;

export class Display {
  private readonly startedAt = Date.now();
  private readonly colour = process.stdout.isTTY && !process.env.NO_COLOR;

  line(colour: Colour, subject: string, words: string): void {
    const seconds = ((Date.now() - this.startedAt) / 1_000).toFixed(1).padStart(6);
    process.stdout.write(`${this.paint('dim', `${seconds} s`)}  ${this.paint(colour, subject.padEnd(22))} ${words}\n`);
  }

  plain(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  private paint(colour: Colour, text: string): string {
    return this.colour ? `\u001b[${colours[colour]}m${text}\u001b[0m` : text;
  }
}

export function took(fromMs: number, toMs: number): string {
  return `${((toMs - fromMs) / 1_000).toFixed(2)} s`;
}
