export { silentLogger, type LogFields, type Logger } from './logger';
export { NestJsLogger } from './nest-logger';
export { PinoLogger, type PinoInstance } from './pino-logger';
