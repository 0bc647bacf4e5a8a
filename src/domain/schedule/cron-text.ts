import { CronPattern } from 'croner';
import { accept, refuse, type ScheduleResult } from './refusals';

/** A cron pattern as it is kept: see `readPattern`. */
export interface PatternText {
  readonly pattern: string;
  readonly days: 'either' | 'both';
}

interface FieldRule {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** In the order of a pattern with six fields. */
const fieldRules: readonly FieldRule[] = [
  { name: 'second', from: 0, to: 59 },
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12 },
  { name: 'day of week', from: 0, to: 7 },
];
const dayOfMonth = 3;
const dayOfWeek = 5;

const nicknames: Readonly<Record<string, string>> = {
  '@YEARLY': '0 0 1 1 *',
  '@ANNUALLY': '0 0 1 1 *',
  '@MONTHLY': '0 0 1 * *',
  '@WEEKLY': '0 0 * * 0',
  '@DAILY': '0 0 * * *',
  '@MIDNIGHT': '0 0 * * *',
  '@HOURLY': '0 * * * *',
};
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const LONGEST_PATTERN = 500;
const shape = 'Write five fields (minute hour day-of-month month day-of-week), or six with the second first.';

/** The fields of a pattern, always six. A nickname is written out; nothing is checked. */
export function sixFields(pattern: string): readonly string[] {
  const text = nicknames[pattern.trim().toUpperCase()] ?? pattern;
  const fields = text.trim().split(/\s+/);
  return fields.length === 5 ? ['0', ...fields] : fields;
}

/**
 * Checks a pattern and writes it in the one form that is kept: nicknames written out, names as numbers, lists in order, `?` as `*`,
 * the prefix `+` as `days: 'both'`, a second of 0 left out.
 */
export function readPattern(input: unknown, days: 'either' | 'both' | null): ScheduleResult<PatternText> {
  const wrong = (rule: string, remedy: string) => refuse('bad-pattern', 'pattern', input, rule, remedy);
  if (typeof input !== 'string') return wrong('A cron pattern is a text.', shape);
  if (input.length > LONGEST_PATTERN) return wrong(`A pattern may have ${LONGEST_PATTERN} characters.`, 'Shorten it.');
  const text = input.trim();
  if (text.startsWith('@') && nicknames[text.toUpperCase()] === undefined) {
    return /^@reboot$/i.test(text)
      ? wrong('@reboot is no time.', "Schedule { kind: 'once' } when your program starts.")
      : wrong('This nickname is not known.', `Use one of ${Object.keys(nicknames).join(', ').toLowerCase()}.`);
  }
  const fields = sixFields(text);
  if (fields.length !== 6) {
    const count = text === '' ? 0 : fields.length;
    if (count === 7)
      return wrong('A pattern has no field for the year.', 'Leave the year out; bound with start and end.');
    return wrong(`A pattern has five or six fields, this one has ${count}.`, shape);
  }
  if (!isReadable(fields)) {
    const index = fields.findIndex((field, i) => !isReadable(alone(i, field)));
    if (index < 0) return wrong('The pattern cannot be read.', shape);
    const { rule, remedy, at } = culprit(index, fields[index]);
    const written = [...text.matchAll(/\S+/g)];
    const number = index + 1 - (6 - written.length);
    const character = written[number - 1].index + at + 1;
    return wrong(`field ${number} (${fieldRules[index].name}): ${rule}, at character ${character}`, remedy);
  }
  const both = fields[dayOfWeek].startsWith('+');
  if (both && days === 'either') {
    return refuse(
      'bad-pattern',
      'days',
      days,
      "The prefix + in the day of week means that both must match, 'either' says the contrary.",
      'Leave out one of them.',
    );
  }
  const [second, ...rest] = fields.map((field, index) =>
    canonicalField(index === dayOfWeek ? spelled(field) : field, index),
  );
  const restricted = rest[2] !== '*' && rest[4] !== '*';
  return accept({
    pattern: (second === '0' ? rest : [second, ...rest]).join(' '),
    days: restricted && (both || days === 'both') ? 'both' : 'either',
  });
}

function canonicalField(field: string, index: number): string {
  const items = field
    .toUpperCase()
    .replace(/^\+/, '')
    .replaceAll('?', '*')
    .split(',')
    .map((item) => {
      let text = item;
      if (index === 4) months.forEach((name, i) => (text = text.replaceAll(name, String(i + 1))));
      if (index === dayOfWeek) {
        text = text.replace('-SUN', '-7');
        weekdays.forEach((name, i) => (text = text.replaceAll(name, String(i))));
        text = text.replace('#L', 'L').replace(/^0*7(?=$|L|#)/, '0');
      }
      return text.replace(/\b0+(?=\d)/g, '');
    });
  const order = (item: string) => (/^\d/.test(item) ? parseInt(item, 10) : Infinity);
  return [...new Set(items)].sort((a, b) => order(a) - order(b) || (a < b ? -1 : a > b ? 1 : 0)).join(',');
}

/** Writes `MON-WED#1` out as `1#1,2#1,3#1`. */
function spelled(field: string): string {
  return canonicalField(field, dayOfWeek)
    .split(',')
    .flatMap((item) => {
      const [, from, to, step = '1', which] = /^(?:\*|(\d)-(\d))(?:\/(\d))?(#\d|L)$/.exec(item) ?? [];
      if (which === undefined) return [item];
      const found: string[] = [];
      for (let day = Number(from ?? 0); day <= Number(to ?? 6); day += Number(step)) found.push(`${day}${which}`);
      return found;
    })
    .join(',');
}

function isReadable(fields: readonly string[]): boolean {
  try {
    new CronPattern(fields.join(' '));
    return true;
  } catch {
    return false;
  }
}

function alone(index: number, field: string): readonly string[] {
  return fieldRules.map((_, i) => (i === index ? field : '*'));
}

/** The entry of the field's list that cannot be read, its place in the field, and what is wrong with it. */
function culprit(index: number, field: string): { rule: string; remedy: string; at: number } {
  const plus = index === dayOfWeek && field.startsWith('+') ? 1 : 0;
  let at = plus;
  for (const item of field.slice(plus).split(',')) {
    if (item === '' || !isReadable(alone(index, item))) return { ...wrongWith(index, item), at };
    at += item.length + 1;
  }
  return { rule: `'${field}' cannot be a list`, remedy: 'Write LW as the only entry of the field.', at: plus };
}

function wrongWith(index: number, item: string): { rule: string; remedy: string } {
  const { name, from, to } = fieldRules[index];
  const range = `${from}–${to}`;
  const list = `Write numbers in ${range}, separated by commas and nothing else.`;
  if (item === '') return { rule: 'an entry is empty', remedy: list };
  const text = canonicalField(item, index);
  const whole = /^(\*|\d+(?:-\d+)?)(?:\/(\d+))?(?:#(\d+)|(L|W))?$/.exec(text);
  if (!whole) {
    const odd = /^L-\d+$/.test(text)
      ? { rule: `'${item}' is not supported`, remedy: 'Write L (the last day), LW (the last weekday) or a number.' }
      : null;
    return odd ?? { rule: `'${item}' is not a ${name}`, remedy: remedyFor(index, range) };
  }
  const [, body, step, nth, letter] = whole;
  const numbers = body === '*' ? [] : body.split('-').map(Number);
  const outside = numbers.find((n) => n < from || n > to);
  if (outside !== undefined) return { rule: `'${outside}' is not in ${range}`, remedy: remedyFor(index, range) };
  if (numbers.length === 2 && numbers[0] > numbers[1]) {
    const parts = [
      numbers[0] === to ? `${to}` : `${numbers[0]}-${to}`,
      numbers[1] === from ? `${from}` : `${from}-${numbers[1]}`,
    ];
    return {
      rule: `'${item}' runs backwards`,
      remedy: step === undefined ? `Write ${parts.join(',')}.` : 'Write two ranges, separated by a comma.',
    };
  }
  if (step !== undefined && numbers.length === 1) {
    return { rule: `'${item}': a step needs * or a range before it`, remedy: `Write ${numbers[0]}-${to}/${step}.` };
  }
  if (step !== undefined) {
    return {
      rule: `'${item}': the step is not in 1–${index === dayOfWeek ? 7 : to - from + 1}`,
      remedy: 'Choose such a step.',
    };
  }
  if (nth !== undefined && index === dayOfWeek) {
    return {
      rule: `'${item}': the # is not followed by 1–5 or L`,
      remedy: 'Write MON#1 for the first Monday, MON#L or 1L for the last.',
    };
  }
  if (nth !== undefined || letter !== undefined) {
    const sign = nth !== undefined ? '#' : letter;
    return { rule: `'${item}': ${sign} is not allowed here`, remedy: remedyFor(index, range) };
  }
  return { rule: `'${item}' cannot be read`, remedy: remedyFor(index, range) };
}

function remedyFor(index: number, range: string): string {
  const numbers = `Write * or numbers in ${range}, as lists (1,2), ranges (1-5) or steps (*/2)`;
  if (index === dayOfMonth) return `${numbers}, L (last day), 15W (nearest weekday) or LW (last weekday).`;
  if (index === dayOfWeek) return `${numbers}, names (MON), MON#1 (first) or 5L (last Friday).`;
  return index === 4 ? `${numbers}, or names (JAN).` : `${numbers}.`;
}
