import { pino } from 'pino';
import { PinoLogger } from '.';

describe('a logger over pino', () => {
  it('takes the real one: fact as message and field, fields of its child beside it', () => {
    const lines: Record<string, unknown>[] = [];
    const instance = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const logger = new PinoLogger(instance).child({ service: 'a@h' });
    logger.debug('beat.sent');
    logger.info('job.bound', { job: 'j' });
    logger.warn('view.behind', { events: 3 });
    logger.error('log.unreachable');
    expect(lines.map(({ level, fact, msg, service }) => [level, fact, msg, service])).toEqual([
      [20, 'beat.sent', 'beat.sent', 'a@h'],
      [30, 'job.bound', 'job.bound', 'a@h'],
      [40, 'view.behind', 'view.behind', 'a@h'],
      [50, 'log.unreachable', 'log.unreachable', 'a@h'],
    ]);
    expect(lines[1]).toMatchObject({ job: 'j' });
  });
});
