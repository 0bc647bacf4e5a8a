import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock, VirtualClock } from '../../clock';
import { Bell } from './bell';

const real = new SystemClock();
let directory: string;
let path: string;
let bells: Bell[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-bell-'));
  path = join(directory, 'bell');
  bells = [];
});
afterEach(() => {
  for (const bell of bells) bell.close();
  rmSync(directory, { recursive: true, force: true });
});

function bell(clock: VirtualClock, onRing: () => void = () => undefined, mute = false): Bell {
  const made = new Bell(path, clock, mute, onRing);
  bells.push(made);
  return made;
}
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await real.sleep(1);
}

describe('the bell', () => {
  it('wakes those who listen without any poll: time stands still here', async () => {
    const clock = new VirtualClock();
    let rings = 0;
    bell(clock, () => rings++).listen();
    const ringing = bell(clock);
    for (let n = 0; n < 3; n++) {
      const before = rings;
      ringing.ring();
      await until(() => rings > before);
    }
    expect(clock.monotonic()).toBe(0);
  });

  it('polls slowly as a net, and faster where nothing can be watched', async () => {
    const clock = new VirtualClock();
    let rings = 0;
    const listening = bell(clock, () => rings++);
    listening.listen();
    await clock.advance(1_000);
    expect(rings).toBeGreaterThanOrEqual(5);
    listening.deafen();
    let deaf = 0;
    // Who may not write makes no bell, so there is none to watch.
    rmSync(path);
    bell(clock, () => deaf++, true).listen();
    await clock.advance(1_000);
    expect(deaf).toBeGreaterThanOrEqual(45);
    expect(existsSync(path)).toBe(false);
  });

  it('is watched anew when the file was replaced', async () => {
    const clock = new VirtualClock();
    let rings = 0;
    bell(clock, () => rings++).listen();
    rmSync(path);
    await clock.advance(250);
    const before = rings;
    bell(clock).ring();
    await until(() => rings > before);
  });

  it('is not heard by who has stopped listening', async () => {
    const clock = new VirtualClock();
    let rings = 0;
    const listening = bell(clock, () => rings++);
    listening.listen();
    listening.deafen();
    const before = rings;
    bell(clock).ring();
    await clock.advance(1_000);
    expect(rings).toBe(before);
    expect(clock.pendingTimers()).toEqual([]);
  });
});
