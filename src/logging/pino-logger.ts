import type { LogFields, Logger } from './logger';

/** What Holdfast asks of a pino instance; pino's own `Logger` is one. Holdfast itself does not need the package. */
export interface PinoInstance {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: Record<string, unknown>): PinoInstance;
}

/** A logger over a pino instance of the host's: the fact is the message and the field `fact`. */
export class PinoLogger implements Logger {
  constructor(private readonly pino: PinoInstance) {}

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
