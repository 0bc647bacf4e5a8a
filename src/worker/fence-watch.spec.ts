import { VirtualClock } from '../clock';
import { FenceWatch } from './fence-watch';

const SELF_FENCE = 4_000;

let clock: VirtualClock;
let looks: number[];
let running: boolean;
const watch = (selfFenceAfterMs = SELF_FENCE) =>
  new FenceWatch(
    clock,
    {
      check: () => {
        looks.push(clock.monotonic());
        return null;
      },
    },
    selfFenceAfterMs,
    () => running,
  );

beforeEach(() => {
  clock = new VirtualClock();
  looks = [];
  running = true;
});

describe('the watch over the fence', () => {
  it('looks at own trust every 150 ms while a handler runs, and so within that time after a suspend', async () => {
    watch().begin();
    await clock.advance(100);
    clock.suspend(60_000);
    await clock.advance(250);
    expect(looks).toEqual([150, 300]);
  });

  it('has one timer, however many handlers are entered', () => {
    const one = watch();
    one.begin();
    one.begin();
    expect(clock.pendingTimers()).toEqual(['fence-watch']);
  });

  it('has no timer when nothing runs any more, and looks again when something does', async () => {
    const one = watch();
    one.begin();
    running = false;
    await clock.advance(1_000);
    expect(looks).toEqual([]);
    expect(clock.pendingTimers()).toEqual([]);
    running = true;
    one.begin();
    await clock.advance(150);
    expect(looks).toEqual([1_150]);
  });

  it('has no timer when it is closed', () => {
    const one = watch();
    one.begin();
    one.close();
    expect(clock.pendingTimers()).toEqual([]);
  });

  it('looks seldom where trust runs for hours', async () => {
    watch(4 * 3_600_000).begin();
    await clock.advance(72_000);
    expect(looks).toEqual([36_000, 72_000]);
  });
});
