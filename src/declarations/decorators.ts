import { SetMetadata } from '@nestjs/common';
import { DECLARED, type CronOptions, type CronTime, type DeclarationOptions, type DeclaredMethod } from './metadata';

/**
 * Declares a job that runs at the times of a cron pattern, or once at a date: the `@Cron` of `@nestjs/schedule`, with one run per tick in
 * the whole cluster. The method gets the `JobContext` as its only argument.
 *
 * @param cronTime a pattern of five fields (minute first) or six (second first), a nickname (`@daily`), a `Date`, or a Luxon `DateTime`.
 * A date that has passed when the application starts never fires; that is warned of.
 *
 * What is wrong (pattern, zone, option, name) is refused when the application is bootstrapped: `DeclarationRefusedError`.
 */
export function Cron(cronTime: CronTime, options: CronOptions = {}): MethodDecorator {
  return declared({ decorator: 'Cron', cronTime, options: { ...options } });
}

/**
 * Declares a job that runs every `timeout` ms of elapsed time, the first time one interval after it was declared first. The beat is in the
 * log: it keeps its phase through restarts.
 */
export function Interval(timeout: number, options?: DeclarationOptions): MethodDecorator;
/** @param name id of the job and name of its handler; default `ClassName.methodName`. */
export function Interval(name: string, timeout: number, options?: DeclarationOptions): MethodDecorator;
export function Interval(first: string | number, second?: number | DeclarationOptions, third?: DeclarationOptions) {
  return declared({ decorator: 'Interval', ...parted(first, second, third) });
}

/**
 * Declares a job that runs once, `timeout` ms after the application's start. A start fires it again if no other living service has its
 * handler at that moment: the restart of a single replica does, the start of a fifth replica beside four does not.
 */
export function Timeout(timeout: number, options?: DeclarationOptions): MethodDecorator;
/** @param name id of the job and name of its handler; default `ClassName.methodName`. */
export function Timeout(name: string, timeout: number, options?: DeclarationOptions): MethodDecorator;
export function Timeout(first: string | number, second?: number | DeclarationOptions, third?: DeclarationOptions) {
  return declared({ decorator: 'Timeout', ...parted(first, second, third) });
}

function parted(first: unknown, second: unknown, third: unknown) {
  const [name, timeout, options] = typeof first === 'string' ? [first, second, third] : [undefined, first, second];
  return { name, timeout, options: { ...(options as object | undefined) } };
}

/** Under one key: of several of these decorators on one method the outermost counts, as in `@nestjs/schedule`. */
function declared(method: DeclaredMethod): MethodDecorator {
  return SetMetadata(DECLARED, method);
}
