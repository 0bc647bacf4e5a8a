import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Turnstile } from './turnstile';

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'holdfast-turns-')), 'turns');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

function turnstile(): Turnstile {
  const made = new Turnstile(directory);
  made.prepare();
  return made;
}

describe('the line of those who wait to write', () => {
  it('lets anyone go while nobody waits', () => {
    expect(turnstile().mayGo(0)).toBe(true);
  });

  it('lets them go in the order in which they came', () => {
    const [a, b, c] = [turnstile(), turnstile(), turnstile()];
    for (const one of [b, c, a]) one.announce();
    const order = () => [a, b, c].map((one) => one.mayGo(0));
    expect(order()).toEqual([false, true, false]);
    b.leave();
    expect(order()).toEqual([false, false, true]);
    b.announce();
    c.leave();
    expect(order()).toEqual([true, false, false]);
  });

  it('lets nobody pass who has not announced itself', () => {
    const [waiting, coming] = [turnstile(), turnstile()];
    waiting.announce();
    expect(coming.mayGo(0)).toBe(false);
  });

  it('knows whether others wait', () => {
    const [first, second] = [turnstile(), turnstile()];
    first.announce();
    expect([first.mayGo(0), first.crowded]).toEqual([true, false]);
    second.announce();
    expect([first.mayGo(0), first.crowded]).toEqual([true, true]);
    second.leave();
    expect([first.mayGo(0), first.crowded]).toEqual([true, false]);
  });

  it('keeps one number per waiter', () => {
    const waiting = turnstile();
    waiting.announce();
    waiting.announce();
    expect(readdirSync(directory)).toHaveLength(1);
    waiting.leave();
    expect(readdirSync(directory)).toHaveLength(0);
  });

  it('gives up on one that stays first for too long', () => {
    const [dead, living] = [turnstile(), turnstile()];
    dead.announce();
    living.announce();
    expect(living.mayGo(1_000)).toBe(false);
    expect(living.mayGo(1_100)).toBe(false);
    expect(living.mayGo(1_151)).toBe(false);
    expect(living.mayGo(1_152)).toBe(true);
  });

  it('does not give up while the line moves on', () => {
    const [a, b, c] = [turnstile(), turnstile(), turnstile()];
    for (const one of [a, b, c]) one.announce();
    expect(c.mayGo(0)).toBe(false);
    a.leave();
    expect(c.mayGo(140)).toBe(false);
    expect(c.mayGo(200)).toBe(false);
    expect(readdirSync(directory)).toHaveLength(2);
  });
});
