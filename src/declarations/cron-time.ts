/**
 * Writes a pattern of the `cron` package (which `@nestjs/schedule` uses) as Holdfast reads it, where the two differ:
 * more nicknames, a step after a single number (`5/15`: from 5 on), and day fields that name every day and so restrict nothing.
 * What neither understands is left as it is, for Holdfast to refuse.
 */
export function patternOf(cronTime: string): string {
  const nickname = nicknames[cronTime.trim().toLowerCase()];
  if (nickname !== undefined) return nickname;
  const fields = cronTime.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) return fields.join(' ');
  const offset = 6 - fields.length;
  return fields.map((field, i) => fieldOf(field, i + offset)).join(' ');
}

/** Those that Holdfast's own patterns lack. */
const nicknames: Readonly<Record<string, string>> = {
  '@minutely': '0 * * * * *',
  '@secondly': '* * * * * *',
  '@weekdays': '0 0 * * 1-5',
  '@weekends': '0 0 * * 0,6',
};

/** The greatest value of each field. */
const greatest = [59, 59, 23, 31, 12, 7];
const DAY_OF_MONTH = 3;
const DAY_OF_WEEK = 5;

function fieldOf(field: string, index: number): string {
  const entries = field.split(',').map((entry) => {
    const [, from, step] = /^(\d+|[a-z]{3})\/(\d+)$/i.exec(entry) ?? [];
    return from === undefined ? entry : `${from}-${greatest[index]}/${step}`;
  });
  if (index === DAY_OF_MONTH && entries.some((entry) => /^(\*|0?1-31)(\/0*1)?$/.test(entry))) return '*';
  if (index === DAY_OF_WEEK && entries.some((entry) => /^(\*|0-6|0-7|1-7)(\/0*1)?$/.test(entry))) return '*';
  return entries.join(',');
}
