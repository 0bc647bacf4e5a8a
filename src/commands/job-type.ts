declare const payloadOf: unique symbol;

/** A kind of job: the name of its handler, and the type of its payload (known to the compiler only). */
export interface JobType<Payload> {
  readonly name: string;
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
 * @throws TypeError when the name is none.
 */
export function jobType<Payload = null>(name: string): JobType<Payload> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/.test(name)) {
    throw new TypeError(
      `jobType: the name ${JSON.stringify(String(name).slice(0, 80))} must have 1 to 128 letters, digits and . _ : @ -, the first a letter or a digit.`,
    );
  }
  return Object.freeze({ name });
}
