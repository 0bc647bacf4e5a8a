import type { Logger as Pino } from 'pino';
import type { LogFields, Logger } from './logger';

/** A logger over a pino instance of the host's: the fact is the message and the field `fact`. */
export class PinoLogger implements Logger {
  constructor(private readonly pino: Pino) {}

  debug(fact: string, fields: LogFields = {}): void {
    this.pino.debug({ fact, ...fields }, fact);
  }
  info(fact: string, fields: LogFields = {}): void {
    this.pino.info({ fact, ...fields }, fact);
  }
  warn(fact: string, fields: LogFields = {}): void {
    this.pino.warn({ fact, ...fields }, fact);
  }
  error(fact: string, fields: LogFields = {}): void {
    this.pino.error({ fact, ...fields }, fact);
  }
  child(fields: LogFields): Logger {
    return new PinoLogger(this.pino.child(fields));
  }
}
