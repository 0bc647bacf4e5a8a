import type { ScheduleInput } from '../domain/schedule';
import { describeSchedule, previewSchedule } from '../queries';
import { jsonLine, printable, type CommandIo } from './output';
import { Table } from './table';
import { UsageError } from './usage-error';
import { iso } from './words';

export interface PreviewCommandOptions {
  readonly count: number;
  readonly zone?: string;
  readonly at?: string;
  readonly jitter?: string;
  readonly start?: string;
  readonly end?: string;
  readonly after?: string;
  readonly jobId?: string;
  readonly json: boolean;
}

/** `holdfast preview`: what a schedule means, and its next slots. @returns the exit code. */
export async function showPreview(text: string, options: PreviewCommandOptions, io: CommandIo): Promise<number> {
  const schedule = read(text, options);
  const { count, after, jobId, json } = options;
  const slots = previewSchedule(schedule, count, { ...(after !== undefined && { after }), ...(jobId && { jobId }) });
  const words = describeSchedule(schedule);
  if (json) {
    const shown = slots.map(({ slot, dueAt, local }) => ({ slot: iso(slot), dueAt: iso(dueAt), local }));
    await io.out.write(jsonLine({ description: words, slots: shown }));
    return 0;
  }
  const jittered = 'jitter' in schedule;
  const table = new Table(
    [{ title: 'LOCAL' }, { title: 'SLOT' }, ...(jittered ? [{ title: 'DUE' }] : []), { title: 'AFTER', right: true }],
    io.width,
  );
  const rows = slots.map(({ slot, dueAt, local }, i) => [
    local,
    iso(slot),
    ...(jittered ? [iso(dueAt)] : []),
    i === 0 ? '' : elapsed(slot - slots[i - 1].slot),
  ]);
  await io.out.write(`${words}\n${table.lines(rows)}`);
  return 0;
}

/** A cron pattern, an ISO 8601 duration, `asap`, an instant, or the schedule as JSON. */
function read(text: string, { zone, at, jitter, start, end }: PreviewCommandOptions): ScheduleInput {
  const more = {
    ...(zone !== undefined && { zone }),
    ...(at !== undefined && { at }),
    ...(jitter !== undefined && { jitter: /^\d+$/.test(jitter) ? Number(jitter) : jitter }),
    ...(start !== undefined && { start }),
    ...(end !== undefined && { end }),
  };
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) return { ...(parsed(trimmed) as ScheduleInput), ...more } as ScheduleInput;
  if (/^P/i.test(trimmed)) {
    // What only a calendar has makes it one: a day of elapsed time and a day of the calendar are written alike.
    const calendar = zone !== undefined || at !== undefined || /^P[^T]*[YM]/i.test(trimmed);
    return { kind: calendar ? 'calendar' : 'interval', every: trimmed, ...more } as ScheduleInput;
  }
  if (trimmed === 'asap' || /^\d{4}-/.test(trimmed)) return { kind: 'once', at: trimmed, ...more } as ScheduleInput;
  return { kind: 'cron', pattern: trimmed, ...more } as ScheduleInput;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(
      `The schedule is no JSON: ${printable(error instanceof Error ? error.message : String(error))}.`,
      'Give an object such as {"kind":"calendar","every":"P1M","day":"last"}.',
    );
  }
}

function elapsed(ms: number): string {
  const seconds = ms / 1_000;
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  const rest = Math.round((seconds % 60) * 1_000) / 1_000;
  const parts = [
    days > 0 && `${days}d`,
    hours > 0 && `${hours}h`,
    minutes > 0 && `${minutes}m`,
    rest > 0 && `${rest}s`,
  ];
  return parts.filter(Boolean).join(' ');
}
