import { hostname } from 'node:os';
import { join } from 'node:path';
import { isNamespace, namespaceRule } from '../domain/namespace';
import type { Refusal } from '../domain/refusal';
import type { Labels } from '../domain/service';
import { ConnectionStringError, EventStoreDbConnection, type EventStore } from '../event-store';
import { checkBalance, resolveBalance, type BalanceOptions } from './balance-options';
import { checkLiveness, livenessProfiles, type LivenessOptions, type LivenessProfile } from '../membership';

/**
 * Everything that can be set, read once at start. Times in milliseconds.
 */
export interface HoldfastOptions {
  /** Who this process is among its equals. */
  readonly service: ServiceOptions;
  /**
   * Where the log is. `embedded` (default): one SQLite file, for the processes of one machine. `eventstoredb`: a server, for any number of
   * machines. `memory`: gone with the process; for tests. Or an adapter of one's own; it is not closed by Holdfast.
   */
  readonly store?: StoreOptions;
  /**
   * `worker` (default) registers, beats, judges and runs jobs. `web-only` does none of it: it projects, queries and sends commands.
   */
  readonly role?: 'worker' | 'web-only';
  /** Directory for what can be lost: the read model of each service. Default `.holdfast` in the working directory. */
  readonly stateDirectory?: string;
  /**
   * Lets several systems share one server of EventStoreDB, or one log file, without seeing each other: at most 32 letters, digits and `_`; default
   * none. Every stream begins with it and a dot. On a server each namespace is a log of its own, with its own identity and generation; in a file
   * they share those of the file.
   */
  readonly namespace?: string;
  /** How fast silence is noticed: a profile, or a profile with single values changed. Default `default`. */
  readonly liveness?: LivenessProfile | ({ readonly profile?: LivenessProfile } & Partial<LivenessOptions>);
  /** How much this service takes. */
  readonly capacity?: {
    /** Placement gives it no more jobs than this. Default 1,000,000. */
    readonly maxOwnedJobs?: number;
    /** Runs at the same time. Default 50. */
    readonly maxConcurrentRuns?: number;
  };
  /** How long `close()` waits for running handlers before it aborts them. Default 10,000; then abortGrace. */
  readonly drainTimeoutMs?: number;
  /** A job that prefers another service returns to it once that has been registered for this long. Default 10,000; doubled per return within the hour. */
  readonly homeAfterMs?: number;
  /** How jobs move between services that live: returns home, for balance, and out of lateness. A death, a drain and an operator move jobs whatever stands here. */
  readonly balance?: BalanceOptions;
  /**
   * So many crashes within the window quarantine a job. Default 3 within 3,600,000. After the second a job is suspect and runs where no other
   * suspect runs, so that a third is its own. With 1 or 2 a job is quarantined before that is known, and so is what ran beside it.
   */
  readonly quarantine?: { readonly crashes?: number; readonly windowMs?: number };
  /** What is taken of schedules. */
  readonly schedules?: {
    /**
     * A schedule is refused of which two slots are nearer to each other than a second divided by this. A run is two events of the log, kept for ever,
     * so what is to happen more often is better done in one run. Default 10; below 1 for less than one a second.
     */
    readonly maxFiresPerSecond?: number;
  };
  /** How long a command waits for the store before it answers that the outcome is unknown. Default 30,000. */
  readonly commandTimeoutMs?: number;
  /** Another living process bears this service id: `wait` (default: not ready, says so loudly, goes on observing) or `throw` from `onApplicationBootstrap`. */
  readonly onIdentityConflict?: 'wait' | 'throw';
  /** Facts reach the host's EventBus, from the log's head at start. Default true. */
  readonly publishFacts?: boolean;
  /** How handlers run. */
  readonly handlers?: {
    /**
     * Guards, pipes, interceptors and filters of the whole application (`APP_GUARD`, `useGlobalPipes`, …) apply to handlers too.
     * Default false: they are made for HTTP, and such a guard would fail every job.
     */
    readonly globalEnhancers?: boolean;
  };
  /** Jobs that the code declares (`@Cron`, `@Interval`, `@Timeout`). */
  readonly declarations?: {
    /**
     * What becomes of a job that was declared under this `service.name` and that neither this process nor any living service declares any more:
     * `report` (default) tells it once, in the log of the process, and keeps the job; `remove` removes it.
     */
    readonly vanished?: 'report' | 'remove';
  };
}

export interface ServiceOptions {
  /** What kind of service this is; label `name`. */
  readonly name: string;
  /** Label `host`; default the machine's host name. */
  readonly host?: string;
  /** Stable across restarts, unique among living processes; default `name@host`. */
  readonly id?: string;
  /** More labels, for tags to match. `host` and `name` are added. */
  readonly labels?: Labels;
  /**
   * The host is one of those that are made anew under another name (a container, a pod of a deployment, an instance of a group that scales). Default
   * false. A job whose tag names such a host gets a warning when it is bound there: once the host is gone, nobody may own it.
   */
  readonly ephemeralHost?: boolean;
}

export type StoreOptions =
  | { readonly kind: 'memory' }
  | { readonly kind: 'embedded'; /** The log file. Default `<stateDirectory>/log.sqlite`. */ readonly path?: string }
  | {
      /** Needs the package `@eventstore/db-client`. */
      readonly kind: 'eventstoredb';
      /**
       * `esdb://user:password@host:2113`, with several hosts for a cluster, or `esdb+discover://name`; `?tls=false` for a server without TLS,
       * `?tlsCAFile=…` for the authority behind its certificate. What is not a letter or digit in user and password is percent-encoded.
       */
      readonly connection: string;
    }
  | { readonly kind: 'adapter'; readonly store: EventStore };

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly serviceId: string;
  readonly labels: Labels;
  readonly ephemeralHost: boolean;
  readonly store:
    | { readonly kind: 'memory' }
    | { readonly kind: 'embedded'; readonly path: string }
    | { readonly kind: 'eventstoredb'; readonly connection: EventStoreDbConnection }
    | { readonly kind: 'adapter'; readonly store: EventStore };
  readonly role: 'worker' | 'web-only';
  readonly stateDirectory: string;
  readonly namespace: string;
  readonly liveness: LivenessOptions;
  readonly capacity: { readonly maxOwnedJobs: number; readonly maxConcurrentRuns: number };
  readonly drainTimeoutMs: number;
  readonly homeAfterMs: number;
  readonly balance: Required<BalanceOptions>;
  readonly quarantine: { readonly crashes: number; readonly windowMs: number };
  readonly schedules: { readonly maxFiresPerSecond: number };
  readonly commandTimeoutMs: number;
  readonly onIdentityConflict: 'wait' | 'throw';
  readonly publishFacts: boolean;
  readonly handlers: { readonly globalEnhancers: boolean };
  readonly declarations: { readonly vanished: 'report' | 'remove' };
}

/** The options contradict each other or are out of range. `refusals` names each field, value, rule and remedy. */
export class OptionsRefusedError extends Error {
  override readonly name = 'OptionsRefusedError';
  constructor(readonly refusals: readonly Refusal[]) {
    super(refusals.map((r) => `${r.field} = ${r.value}: ${r.rule} ${r.remedy}`).join('\n'));
  }
}

const SERVICE_ID = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;

/** Fills in defaults and checks. @throws OptionsRefusedError */
export function resolveOptions(options: HoldfastOptions): ResolvedOptions {
  const refusals: Refusal[] = [];
  const host = options.service?.host ?? hostname();
  const name = options.service?.name ?? '';
  const stateDirectory = options.stateDirectory ?? '.holdfast';
  const serviceId = options.service?.id ?? `${name}@${host}`;
  const store = options.store ?? { kind: 'embedded' };
  const refuse = (field: string, value: unknown, rule: string, remedy: string) =>
    refusals.push({ code: 'option', field, value: String(value).slice(0, 100), rule, remedy });
  const liveness = resolveLiveness(options.liveness, refuse);
  const resolved: ResolvedOptions = {
    serviceId,
    labels: { ...options.service?.labels, host, name },
    ephemeralHost: options.service?.ephemeralHost ?? false,
    store: resolveStore(store, stateDirectory, refuse),
    role: options.role ?? 'worker',
    stateDirectory,
    namespace: options.namespace ?? '',
    liveness,
    capacity: {
      maxOwnedJobs: options.capacity?.maxOwnedJobs ?? 1_000_000,
      maxConcurrentRuns: options.capacity?.maxConcurrentRuns ?? 50,
    },
    drainTimeoutMs: options.drainTimeoutMs ?? 10_000,
    homeAfterMs: options.homeAfterMs ?? 10_000,
    balance: resolveBalance(options.balance, liveness),
    quarantine: { crashes: options.quarantine?.crashes ?? 3, windowMs: options.quarantine?.windowMs ?? 3_600_000 },
    schedules: { maxFiresPerSecond: options.schedules?.maxFiresPerSecond ?? 10 },
    commandTimeoutMs: options.commandTimeoutMs ?? 30_000,
    onIdentityConflict: options.onIdentityConflict ?? 'wait',
    publishFacts: options.publishFacts ?? true,
    handlers: { globalEnhancers: options.handlers?.globalEnhancers ?? false },
    declarations: { vanished: options.declarations?.vanished ?? 'report' },
  };

  if (!SERVICE_ID.test(name))
    refuse(
      'service.name',
      name,
      'A service needs a name of letters, digits and . _ : @ -.',
      'Set service.name, for example to the name of the application.',
    );
  if (!SERVICE_ID.test(serviceId))
    refuse(
      'service.id',
      serviceId,
      '1–128 letters, digits and . _ : @ -, beginning with a letter or digit.',
      'Set service.id, or change service.host.',
    );
  for (const [key, value] of Object.entries(options.service?.labels ?? {})) {
    if (typeof value !== 'string' || key.length === 0 || key.length > 64 || value.length > 256) {
      refuse(
        `service.labels.${key}`,
        value,
        'Labels are strings: keys of 1–64, values of at most 256 characters.',
        'Change or drop this label.',
      );
    }
  }
  if (typeof resolved.ephemeralHost !== 'boolean')
    refuse(
      'service.ephemeralHost',
      resolved.ephemeralHost,
      'true or false.',
      'Choose one of the two, or leave it out.',
    );
  if (typeof resolved.namespace !== 'string' || !isNamespace(resolved.namespace))
    refuse('namespace', resolved.namespace, namespaceRule.rule, namespaceRule.remedy);
  if (!['worker', 'web-only'].includes(resolved.role))
    refuse('role', resolved.role, 'worker or web-only.', 'Choose one of the two.');
  if (!['memory', 'embedded', 'eventstoredb', 'adapter'].includes(store.kind))
    refuse('store.kind', store.kind, 'memory, embedded, eventstoredb or adapter.', 'Choose one of them.');
  if (!['report', 'remove'].includes(resolved.declarations.vanished))
    refuse('declarations.vanished', resolved.declarations.vanished, 'report or remove.', 'Choose one of the two.');
  const whole = (field: string, value: number, min: number, max: number) => {
    if (!Number.isSafeInteger(value) || value < min || value > max)
      refuse(field, value, `A whole number from ${min} to ${max}.`, 'Choose one in this range.');
  };
  if (typeof resolved.handlers.globalEnhancers !== 'boolean')
    refuse('handlers.globalEnhancers', resolved.handlers.globalEnhancers, 'true or false.', 'Choose one of the two.');
  whole('capacity.maxOwnedJobs', resolved.capacity.maxOwnedJobs, 1, 100_000_000);
  whole('capacity.maxConcurrentRuns', resolved.capacity.maxConcurrentRuns, 1, 100_000);
  whole('drainTimeoutMs', resolved.drainTimeoutMs, 0, 86_400_000);
  whole('homeAfterMs', resolved.homeAfterMs, 0, 86_400_000);
  whole('balance.movesPerSecond', resolved.balance.movesPerSecond, 0, 10_000);
  whole('balance.stableForMs', resolved.balance.stableForMs, 1_000, 86_400_000);
  whole('balance.moveRestMs', resolved.balance.moveRestMs, 1_000, 86_400_000);
  whole('balance.lateAfterMs', resolved.balance.lateAfterMs, 1_000, 86_400_000);
  refusals.push(...checkBalance(resolved.balance, liveness));
  whole('quarantine.crashes', resolved.quarantine.crashes, 1, 16);
  whole('quarantine.windowMs', resolved.quarantine.windowMs, 1_000, 604_800_000);
  whole('commandTimeoutMs', resolved.commandTimeoutMs, 100, 3_600_000);
  const { maxFiresPerSecond } = resolved.schedules;
  if (!(typeof maxFiresPerSecond === 'number' && maxFiresPerSecond > 0 && maxFiresPerSecond <= 1_000))
    refuse('schedules.maxFiresPerSecond', maxFiresPerSecond, 'More than 0, and at most 1000.', 'Choose such a number.');
  refusals.push(...checkLiveness(liveness));
  if (refusals.length > 0) throw new OptionsRefusedError(refusals);
  return resolved;
}

function resolveStore(
  store: StoreOptions,
  stateDirectory: string,
  refuse: (field: string, value: unknown, rule: string, remedy: string) => void,
): ResolvedOptions['store'] {
  if (store.kind === 'embedded') return { kind: 'embedded', path: store.path ?? join(stateDirectory, 'log.sqlite') };
  if (store.kind !== 'eventstoredb') return store;
  try {
    return { kind: 'eventstoredb', connection: EventStoreDbConnection.parse(String(store.connection)) };
  } catch (error) {
    if (!(error instanceof ConnectionStringError)) throw error;
    // Not the value: where it breaks a rule nobody can tell which part of it is the password.
    refuse('store.connection', '(not shown: it may hold a password)', error.rule, error.remedy);
    return { kind: 'memory' };
  }
}

function resolveLiveness(
  liveness: HoldfastOptions['liveness'] = 'default',
  refuse: (field: string, value: unknown, rule: string, remedy: string) => void,
): LivenessOptions {
  const { profile = 'default', ...changed } = typeof liveness === 'string' ? { profile: liveness } : liveness;
  const known = Object.keys(livenessProfiles);
  if (!known.includes(profile)) {
    const field = typeof liveness === 'string' ? 'liveness' : 'liveness.profile';
    refuse(field, profile, `A profile is one of ${known.join(', ')}.`, 'Choose one of them.');
    return livenessProfiles.default;
  }
  return { ...livenessProfiles[profile], ...changed };
}
