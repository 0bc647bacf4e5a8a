import { livenessProfiles } from 'holdfast';
import { seeded } from '../../bench/seeded';

/**
 * What is done to a service.
 * - `kill`: SIGKILL; started again after a while, by the same id or by a new one.
 * - `restart`: SIGKILL, and at once the same id again, as a supervisor does.
 * - `kill-appending`: SIGKILL while it holds the log's lock, in the middle of an append.
 * - `term`: SIGTERM: it drains and ends; started again after a while.
 * - `stop`: SIGSTOP, for less than its peers take to judge it. `long-stop`: for longer than they take. `stop-at-the-threshold`: for about as long, so
 *   that verdict and resumption race: whether its jobs move is open.
 * - `stop-in-commit`: SIGSTOP while it holds the log's lock: an outage of the log for all.
 * - `twin`: a second process of the same id, beside the living one; one of the two is killed at the end.
 * - `stall`: its event loop stands still.
 * - `full`: its connection to the log finds no room (`all`: that of every service).
 */
export const kinds = [
  'kill',
  'restart',
  'kill-appending',
  'term',
  'stop',
  'stop-at-the-threshold',
  'long-stop',
  'stop-in-commit',
  'twin',
  'stall',
  'full',
] as const;
export type Kind = (typeof kinds)[number];

/** SIGSTOP, and SIGCONT in the end. */
export const stops = [
  'stop',
  'stop-at-the-threshold',
  'long-stop',
  'stop-in-commit',
] as const satisfies readonly Kind[];
export type Stop = (typeof stops)[number];

export function isStop(kind: Kind): kind is Stop {
  return stops.some((stop) => stop === kind);
}

/** One fault, as the seed says. Whom it meets in the middle of what is for the machine to say. */
export interface Planned {
  readonly kind: Kind;
  /** Since the fault before it, ms. */
  readonly afterMs: number;
  /** How long it lasts, or how long the service stays away, ms. */
  readonly lastsMs: number;
  /** 0 … 1: which of those that stand. */
  readonly whom: number;
  /** Which of two ways: `kill` and `term`: under a new id; `twin`: the first one is killed, not the second; `full`: all, not one. */
  readonly other: boolean;
}

const GAP_MS = [600, 3_400] as const;
const STOPPED_MS = [500, 20_000] as const;
/** So far from `failAfterMs` whoever is stopped may have been judged, or not. */
const ABOUT_THRESHOLD_MS = 3_000;

/**
 * Faults without end, the same ones for the same seed. They are dealt like cards: each kind once, in an order of its own, before any comes again,
 * so that a short run has all of them.
 */
export function* plan(seed: number, profile: keyof typeof livenessProfiles): Generator<Planned, never> {
  const random = seeded(seed);
  const between = ([from, to]: readonly [number, number]) => Math.round(from + (to - from) * random());
  const { selfFenceAfterMs, failAfterMs } = livenessProfiles[profile];
  const lasting: { readonly [kind in Kind]: readonly [number, number] } = {
    kill: [0, 8_000],
    restart: [0, 0],
    'kill-appending': [0, 8_000],
    term: [0, 6_000],
    stop: [STOPPED_MS[0], failAfterMs - 500],
    'stop-at-the-threshold': [
      Math.max(STOPPED_MS[0], failAfterMs - ABOUT_THRESHOLD_MS),
      failAfterMs + ABOUT_THRESHOLD_MS,
    ],
    'long-stop': [failAfterMs + ABOUT_THRESHOLD_MS, STOPPED_MS[1]],
    'stop-in-commit': [500, 6_000],
    twin: [3_000, 9_000],
    stall: [500, 2 * failAfterMs],
    full: [2_000, selfFenceAfterMs + 4_000],
  };
  for (;;) {
    for (const kind of shuffled(kinds, random))
      yield { kind, afterMs: between(GAP_MS), lastsMs: between(lasting[kind]), whom: random(), other: random() < 0.5 };
  }
}

export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const left = [...values];
  return values.map(() => left.splice(Math.floor(random() * left.length), 1)[0]);
}
