import type { LogFields, Logger } from './logger';

/** What of Nest's Logger is used. */
export interface NestLoggerLike {
  debug(message: unknown): void;
  log(message: unknown): void;
  warn(message: unknown): void;
  error(message: unknown): void;
}

/** Writes facts through the host's Nest logger, as objects: `{ fact, …fields }`. */
export class NestJsLogger implements Logger {
  constructor(
    private readonly nest: NestLoggerLike,
    private readonly fields: LogFields = {},
  ) {}

  debug(fact: string, fields?: LogFields): void {
    this.nest.debug({ fact, ...this.fields, ...fields });
  }
  info(fact: string, fields?: LogFields): void {
    this.nest.log({ fact, ...this.fields, ...fields });
  }
  warn(fact: string, fields?: LogFields): void {
    this.nest.warn({ fact, ...this.fields, ...fields });
  }
  error(fact: string, fields?: LogFields): void {
    this.nest.error({ fact, ...this.fields, ...fields });
  }
  child(fields: LogFields): Logger {
    return new NestJsLogger(this.nest, { ...this.fields, ...fields });
  }
}
