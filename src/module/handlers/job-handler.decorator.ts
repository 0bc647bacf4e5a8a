import { SetMetadata } from '@nestjs/common';
import type { JobDefaults, JobType } from '../../commands';
import type { JsonValue } from '../../domain/job';
import type { JobContext } from '../../worker';

/** Metadata key under which `@JobHandler` leaves its options on the method. */
export const JOB_HANDLER = Symbol.for('holdfast:job-handler');

/** `tag`, `affinity` and `policies` are for jobs of this type that are scheduled in this process and leave them out. */
export interface JobHandlerOptions extends JobDefaults {
  /** Shown in the registration of the service; default `1`. */
  readonly version?: string;
  /** Runs of this handler at the same time in one process; default: only the limit of the service. */
  readonly concurrency?: number;
}

/** What `@JobHandler` leaves behind. */
export interface JobHandlerMetadata extends JobHandlerOptions {
  readonly name: string;
}

/** A handler that cannot be run as it was declared. Nothing is skipped silently. */
export class JobHandlerRefusedError extends Error {
  override readonly name = 'JobHandlerRefusedError';
}

type HandlerMethod<Payload> = (payload: Payload, context: JobContext) => unknown;

/** What a class that bears `@JobHandler` has. The result is ignored; a rejection is a failure of the run. */
export interface JobRunner<Payload = unknown> {
  // A property, not a method: methods are compared loosely, and a payload of another shape would compile.
  readonly handle: HandlerMethod<Payload>;
}

/** Put on a method, or on a class with `handle(payload, context)`. */
export interface JobHandlerDecorator<Payload> {
  <Method extends HandlerMethod<Payload>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
  (target: abstract new (...args: never[]) => JobRunner<Payload>): void;
}

/**
 * Makes a provider's method, or a class with `handle(payload, context)`, the code of a job type.
 *
 * @example
 * const Audit = jobType<AuditPayload>('audit');
 *
 * class AuditService {
 *   \@JobHandler(Audit)
 *   run(payload: AuditPayload, context: JobContext) { … }
 * }
 *
 * @param type the job type, or its name. With a type, a method whose payload has another shape is a compile error.
 * @throws JobHandlerRefusedError on a static method.
 */
export function JobHandler<Payload extends JsonValue | object>(
  type: JobType<Payload> | string,
  options: JobHandlerOptions = {},
): JobHandlerDecorator<Payload> {
  const name = typeof type === 'string' ? type : type.name;
  const metadata: JobHandlerMetadata = { name, ...options };
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    if (key === undefined || descriptor === undefined) {
      Reflect.defineMetadata(JOB_HANDLER, metadata, target);
      return;
    }
    if (typeof target === 'function') {
      throw new JobHandlerRefusedError(
        `@JobHandler('${name}') on ${target.name}.${String(key)}: a static method has no provider that it belongs to. Put it on an instance method.`,
      );
    }
    SetMetadata(JOB_HANDLER, metadata)(target, key, descriptor);
  };
}
