import type { Affinity, MisfireInput, Overlap, Tag } from '../domain/job';
import type { PoliciesInput } from '../commands';

/** Metadata key under which `@Cron`, `@Interval` and `@Timeout` leave what was written on the method. */
export const DECLARED = Symbol.for('holdfast:declared');

/** What `@nestjs/schedule` does not have. Leave it out, and nothing differs. */
export interface DeclarationOptions {
  /** Labels that a service must have to run it: `{}` (default) any, `{ name }` any of that name, `{ host, name }` one service. */
  readonly tag?: Tag;
  /** `required` (default), or `preferred`: the tag ranks and never excludes. */
  readonly affinity?: Affinity;
  /**
   * What happens to a slot that falls while a run is open: `skip` (default), `queue`, `replace`, `{ allow: n }`. The same as `policies.overlap`;
   * say it once.
   */
  readonly overlap?: Overlap;
  /** What becomes of slots that nobody started in time. Default `once`: the latest is run. The same as `policies.misfire`, which is then left out. */
  readonly misfire?: MisfireInput;
  /** Time-out, retries, what becomes of a run whose owner is lost, priority. What is left out has its default: no time-out, no retry, run again, 0. */
  readonly policies?: PoliciesInput;
  /**
   * Each slot is due up to so much later, never at or after the next one: milliseconds, or an ISO 8601 duration (`PT1M`). Which time is a
   * function of job and slot. Default: none.
   */
  readonly jitter?: number | string;
  /** Any text. Another text makes an otherwise equal declaration a new one, which is applied again. */
  readonly revision?: string;
}

/** A Luxon `DateTime`, as far as it is looked at. */
export interface DateTimeLike {
  toMillis(): number;
  readonly isValid: boolean;
}

export type CronTime = string | Date | DateTimeLike;

/** Options of `@Cron`: those of `@nestjs/schedule`, and {@link DeclarationOptions}. */
export type CronOptions = DeclarationOptions & {
  /** Id of the job and name of its handler. Default `ClassName.methodName`. */
  readonly name?: string;
  /** IANA name. Default: the zone of the process, which is written into the job. Not together with `utcOffset`. */
  readonly timeZone?: unknown;
  /** Minutes east of UTC: 120 is +02:00, −90 is −01:30. Not together with `timeZone`. */
  readonly utcOffset?: unknown;
  /** Accepted and without effect: a service keeps its process alive until it is closed. */
  readonly unrefTimeout?: boolean;
  /** Accepted and without effect: `overlap` says what happens to a slot that falls while a run is open. */
  readonly waitForCompletion?: boolean;
  /** The job exists and is paused. Default false. */
  readonly disabled?: boolean;
  /** Accepted and without effect: what is late, by however much, runs once, and slots that were missed are coalesced into it, unless `misfire` says otherwise. */
  readonly threshold?: number;
  /** No slot before so many ms after the start of the application that declares it (or a change of it) first. Default 0. */
  readonly initialDelay?: number;
} & (
    | { readonly timeZone?: string; readonly utcOffset?: never }
    | { readonly timeZone?: never; readonly utcOffset?: number }
  );

/** What a decorator leaves on a method, as it was written. */
export type DeclaredMethod =
  | { readonly decorator: 'Cron'; readonly cronTime: unknown; readonly options: Readonly<Record<string, unknown>> }
  | {
      readonly decorator: 'Interval' | 'Timeout';
      readonly name: unknown;
      readonly timeout: unknown;
      readonly options: Readonly<Record<string, unknown>>;
    };
