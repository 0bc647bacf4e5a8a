import { createHash } from 'node:crypto';

const JOB_ID = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;
const LONGEST_STEM = 100;

/**
 * The job id, and handler name, of a name. A name that is an id already stays what it is. Any other becomes its readable part and the first
 * 12 digits of its SHA-256: `daily report` → `daily-report:1f0c…`. The same name gives the same id, everywhere and always; two names do not share one.
 */
export function jobIdOfName(name: string): string {
  if (JOB_ID.test(name)) return name;
  const stem = name
    .replace(/[^A-Za-z0-9._:@-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, LONGEST_STEM);
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${stem === '' ? 'job' : stem}:${digest}`;
}
