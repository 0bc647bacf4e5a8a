import { wallTimes } from './cron-walls';
import { DAY_MS } from './days';
import type { Schedule } from './schedule';

/** The shortest time between two slots, ms, as if the clock on the wall were never changed; Infinity for a single slot. */
export function shortestGapMs(schedule: Schedule): number {
  switch (schedule.kind) {
    case 'once':
      return Infinity;
    case 'interval':
      return schedule.everyMs;
    case 'cron':
      return wallTimes(schedule.pattern, schedule.days).shortestGapMs();
    case 'calendar':
      return schedule.unit === 'day' ? schedule.every * DAY_MS : DAY_MS;
  }
}
