import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock, SystemRandom } from '../../clock';
import type { Connection } from './driver';
import { Turnstile } from './turnstile';
import { Writer } from './writer';

/** What the writer tells its database, in order. */
class Told {
  readonly said: string[] = [];
  readonly inTransaction = false;
  exec(sql: string): void {
    this.said.push(sql);
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('a group', () => {
  let directory: string;
  let told: Told;
  let writer: Writer;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'holdfast-writer-'));
    const path = join(directory, 'log');
    writeFileSync(path, '');
    told = new Told();
    const turnstile = new Turnstile(`${path}-turns`);
    const ports = { clock: new SystemClock(), random: new SystemRandom() };
    writer = new Writer(told as unknown as Connection, path, turnstile, ports, 1_000, {
      begun: () => undefined,
      committed: () => undefined,
    });
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const write = (what: string) => writer.write(() => told.said.push(what), 1, 'normal');

  it('is what was asked for in one turn of the event loop', async () => {
    await Promise.all([write('a'), write('b')]);
    expect(told.said).toEqual(['BEGIN IMMEDIATE', 'a', 'b', 'COMMIT']);
  });

  it('and in those that follow, while each brings more', async () => {
    const second = turn().then(() => write('b'));
    const third = turn()
      .then(turn)
      .then(() => write('c'));
    await Promise.all([write('a'), second, third]);
    expect(told.said).toEqual(['BEGIN IMMEDIATE', 'a', 'b', 'c', 'COMMIT']);
  });

  it('but not for ever: the first to ask does not wait for all who come', async () => {
    let done = false;
    const first = write('0').then(() => (done = true));
    const others: Promise<unknown>[] = [];
    for (let n = 1; !done && n < 100; n++) {
      await turn();
      others.push(write(String(n)));
    }
    await Promise.all([first, ...others]);
    expect(told.said.indexOf('COMMIT')).toBeLessThan(7);
  });
});
