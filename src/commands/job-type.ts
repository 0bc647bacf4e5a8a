import { checkJobDefaults, type JobDefaults } from './job-defaults';

declare const payloadOf: unique symbol;

/** A kind of job: the name of its handler, and the type of its payload (known to the compiler only). */
export interface JobType<Payload> {
  readonly name: string;
  /** What its jobs get where the one who schedules them, and the handler here, say nothing. */
  readonly defaults?: JobDefaults;
  /** Never there at run time. Invariant: a type for another payload is another type. */
  readonly [payloadOf]?: (payload: Payload) => Payload;
}

/** Payload of a job type. */
export type PayloadOf<Type> = Type extends JobType<infer Payload> ? Payload : never;

/**
 * Names a kind of job once, for the handler and for those who schedule:
 *
 *     const Audit = jobType<AuditPayload>('audit');
 *     @JobHandler(Audit) async audit(payload: AuditPayload, context: JobContext) { … }
 *     await jobs.schedule(Audit, { goal: 'balance' });
 *
 * @param name 1 to 128 letters, digits and `. _ : @ -`, the first a letter or digit. It is in the log: a job keeps it for ever.
 * @param defaults tag, affinity and policies for whoever schedules such a job and leaves them out.
 * @throws TypeError when the name is none, or a default is refused.
 */
export function jobType<Payload = null>(name: string, defaults?: JobDefaults): JobType<Payload> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/.test(name)) {
    throw new TypeError(
      `jobType: the name ${JSON.stringify(String(name).slice(0, 80))} must have 1 to 128 letters, digits and . _ : @ -, the first a letter or a digit.`,
    );
  }
  if (defaults === undefined) return Object.freeze({ name });
  const [wrong] = checkJobDefaults(defaults);
  if (wrong !== undefined) {
    throw new TypeError(`jobType ${name}, ${wrong.field} = ${wrong.value}: ${wrong.rule} ${wrong.remedy}`);
  }
  return Object.freeze({ name, defaults: structuredClone(defaults) });
}
