import { SetMetadata } from '@nestjs/common';
import type { JobType } from '../commands';
import type { JsonValue } from '../domain/job';
import type { JobContext } from '../worker';

/** Metadata key under which `@JobHandler` leaves its options on the method. */
export const JOB_HANDLER = Symbol.for('holdfast:job-handler');

export interface JobHandlerOptions {
  /** Shown in the registration of the service; default `1`. */
  readonly version?: string;
  /** Runs of this handler at the same time in one process; default: only the limit of the service. */
  readonly concurrency?: number;
}

/** What `@JobHandler` leaves behind. */
export interface JobHandlerMetadata extends JobHandlerOptions {
  readonly name: string;
}

type HandlerMethod<Payload> = (payload: Payload, context: JobContext) => unknown;

/**
 * Makes a provider's method the code of a job type.
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
 */
export function JobHandler<Payload extends JsonValue | object>(
  type: JobType<Payload> | string,
  options: JobHandlerOptions = {},
) {
  const name = typeof type === 'string' ? type : type.name;
  return <Method extends HandlerMethod<Payload>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    SetMetadata(JOB_HANDLER, { name, ...options } satisfies JobHandlerMetadata)(
      target,
      key,
      descriptor as PropertyDescriptor,
    );
  };
}
