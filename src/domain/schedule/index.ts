export type * from './schedule';
export type { ScheduleRefusalCode } from './refusals';
export { defineSchedule, type ScheduleLimits } from './define';
export { readInterval } from './durations';
export { countSlots, isSlot, nextSlot, preview, previousSlot, slotsBetween } from './slots';
export { dueTime } from './jitter';
export { fixedZone } from './fixed-offset';
export { describe } from './describe';
export { readInstant } from './instants';
