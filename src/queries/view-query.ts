import { Query } from '@nestjs/cqrs';
import type { Instant } from '../clock';
import type { Refusal } from '../domain/refusal';
import type { ReadModel } from '../read-model';

/** What every query may say besides what it asks for. */
export interface Freshness {
  /** Answer only once the view has applied the log up to here: the `position` of a command's result, a bigint or its decimal string. Default: at once. */
  readonly after?: bigint | string;
  /** How long to wait for it, ms, 0 … 300,000; default 5,000. Then `ViewTimeoutError`. */
  readonly timeoutMs?: number;
}

/** What an answer is made from. */
export interface Asked {
  readonly view: ReadModel;
  /** Wall clock, for what is asked of "now". */
  readonly now: Instant;
  /** Lets others have their turn, in a long answer. */
  readonly yield: () => Promise<void>;
}

/** A question to the view. Instances are plain data; sent over the QueryBus, or to `Queries.ask`. */
export abstract class ViewQuery<Answer> extends Query<Answer> implements Freshness {
  abstract readonly after?: bigint | string;
  abstract readonly timeoutMs?: number;
  /** @throws QueryRefusedError when the view knows nothing of what is asked about. */
  abstract answer(asked: Asked): Answer | Promise<Answer>;
}

/** The query cannot be answered as it is asked. Each refusal names field, value, rule and remedy. */
export class QueryRefusedError extends Error {
  override readonly name = 'QueryRefusedError';
  constructor(readonly refusals: readonly [Refusal, ...Refusal[]]) {
    super(refusals.map((r) => `${r.field ? `${r.field}: ` : ''}${r.rule} ${r.remedy}`).join('; '));
  }
  get code(): string {
    return this.refusals[0].code;
  }
}

/** Where handlers of the QueryBus send their query. */
export abstract class Asking {
  abstract ask<Answer>(query: ViewQuery<Answer>): Promise<Answer>;
}
