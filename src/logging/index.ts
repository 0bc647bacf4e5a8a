export { silentLogger, type LogFields, type Logger } from './logger';
export { PinoLogger } from './pino-logger';
