import { ADOPT_AFTER_MS, stamp, type ClockState } from './log-clock';

const T = 1_700_000_000_000;
const BOOT = 50_000;
const kept: ClockState = { bootId: 'b', offset: T - BOOT, differsSince: null };
/** `by` ms of wall jump, `after` ms of time. */
const reading = (by: number, after = 0, bootId = 'b') => ({ wall: T + by + after, boot: BOOT + after, bootId });

describe('the time of an append', () => {
  it('is the wall clock at first, and the offset to boot time is kept', () => {
    expect(stamp(null, reading(0), 0)).toEqual({ created: T, state: kept, difference: 0, alarm: null });
  });

  it('never goes back for a small difference', () => {
    expect(stamp(kept, reading(-4_000), T)).toMatchObject({
      created: T,
      alarm: null,
      state: { offset: kept.offset - 4_000 },
    });
  });

  it('follows a small difference at once', () => {
    expect(stamp(kept, reading(4_000), T)).toMatchObject({ created: T + 4_000, alarm: null });
  });

  it('is not written down anew for a drift of milliseconds', () => {
    expect(stamp(kept, reading(20), T).state).toBe(kept);
    expect(stamp(kept, reading(300), T).state.offset).toBe(kept.offset + 300);
  });

  it.each([3_600_000, -3_600_000, 5_001])(
    'stays with boot time when the wall clock jumps by %s ms, and raises an alarm once',
    (by) => {
      const first = stamp(kept, reading(by), T);
      expect(first).toMatchObject({
        created: T,
        alarm: 'differs',
        difference: by,
        state: { ...kept, differsSince: BOOT },
      });
      const next = stamp(first.state, reading(by, 30_000), T);
      expect(next).toMatchObject({ created: T + 30_000, alarm: null });
      expect(next.state).toEqual(first.state);
    },
  );

  it.each([3_600_000, -3_600_000])('adopts a difference of %s ms that has lasted, also backwards', (by) => {
    const { state } = stamp(kept, reading(by), T);
    expect(stamp(state, reading(by, ADOPT_AFTER_MS - 1), T)).toMatchObject({ alarm: null });
    const adopted = stamp(state, reading(by, ADOPT_AFTER_MS), T + 59_000);
    expect(adopted).toMatchObject({ created: T + by + ADOPT_AFTER_MS, alarm: 'adopted' });
    expect(stamp(adopted.state, reading(by, 70_000), adopted.created)).toMatchObject({
      created: T + by + 70_000,
      alarm: null,
    });
  });

  it('forgets a difference that has gone', () => {
    const { state } = stamp(kept, reading(3_600_000), T);
    const back = stamp(state, reading(0, 30_000), T);
    expect(back).toMatchObject({ alarm: null, state: { differsSince: null } });
    expect(stamp(back.state, reading(3_600_000, 61_000), T)).toMatchObject({ alarm: 'differs' });
  });

  it('counts a suspend as time that has passed', () => {
    expect(stamp(kept, { wall: T + 9_000_000, boot: BOOT + 9_000_000, bootId: 'b' }, T)).toMatchObject({
      created: T + 9_000_000,
      alarm: null,
    });
  });

  it('takes the wall clock at once after a reboot', () => {
    const rebooted = { wall: T + 900_000, boot: 10, bootId: 'c' };
    expect(stamp(kept, rebooted, T)).toMatchObject({ created: T + 900_000, alarm: null, state: { bootId: 'c' } });
    expect(stamp(kept, { ...rebooted, wall: T - 1_000 }, T)).toMatchObject({ created: T, alarm: null });
    expect(stamp(kept, { ...rebooted, wall: T - 900_000 }, T)).toMatchObject({
      created: T - 900_000,
      alarm: 'adopted',
    });
  });
});
