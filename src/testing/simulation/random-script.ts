import type { SeededRandom } from '../../clock';
import type { Tag } from '../../domain/job';
import { behaviours } from './behaviours';
import { misfires, overlaps, randomJobs, withSchedules } from './random-jobs';
import { randomSchedule, randomSeason, type Season } from './random-schedules';
import type { Action, Order, PlaceScript, Script } from './script';
import { Draw, drawn, uuidOf } from './draws';
import type { Trouble } from './troubles';

export interface RandomScriptOptions {
  /** Default 600,000 (ten minutes). */
  readonly durationMs?: number;
  /** Names of the handlers that the jobs are for. Default: those of the simulation's own (`behaviours`). */
  readonly handlers?: readonly string[];
}

const SECOND = 1_000;
const HOUR = 3_600_000;

/** What is done to a world, and how often beside the others. */
const kinds = {
  crash: 10,
  crashInAppend: 10,
  crashInProjection: 5,
  stop: 5,
  deploy: 2,
  stall: 6,
  suspend: 5,
  wall: 4,
  cut: 8,
  slow: 3,
  outage: 3,
  unknown: 6,
  ghost: 5,
  duplicate: 4,
  lag: 5,
  beats: 4,
  stale: 4,
  drop: 4,
  restore: 1,
  newer: 1,
  lostMove: 1,
  order: 24,
} as const;
type Kind = keyof typeof kinds;

/** A world that is made of a seed alone: 3–5 services, 20–50 jobs, ten minutes (one of ten: two), and everything that can go wrong. */
export function randomScript(seed: number, options: RandomScriptOptions = {}): Script {
  // Tuned liveness beats seven times as often: such a world is two minutes long.
  const tuned = drawn(seed, 'liveness').next() < 0.1;
  const durationMs = options.durationMs ?? (tuned ? 120 : 600) * SECOND;
  const places = randomPlaces(drawn(seed, 'places'));
  const handlers = options.handlers ?? behaviours;
  const season = randomSeason(new Draw(drawn(seed, 'season')), durationMs);
  const plain = randomJobs(drawn(seed, 'jobs'), durationMs, options.handlers ?? null);
  const jobs = withSchedules(plain, drawn(seed, 'schedules'), season);
  const draw = new Draw(drawn(seed, 'actions'));
  const actions: Action[] = [];
  // Each world has a few things that happen to it more than others.
  const weights = new Map<Kind, number>(Object.entries(kinds) as [Kind, number][]);
  for (let n = 0; n < 3; n++) {
    const favoured = draw.of(Object.keys(kinds) as Kind[]);
    weights.set(favoured, (weights.get(favoured) ?? 1) * 4);
  }
  const pace = draw.between(6, 20) * SECOND;
  for (let at = 15 * SECOND; at < durationMs - 2 * SECOND; at += pace * -Math.log(1 - draw.next() * 0.99)) {
    const context = { at: Math.round(at), places, draw, handlers, jobs: jobs.map(({ id }) => id) };
    const done = actionsOf(draw.weighted(weights), context);
    actions.push(...done, ...done.flatMap((action) => ordersThrough(action, context)));
  }
  return {
    seed,
    durationMs,
    places,
    jobs,
    actions: [...otherwise(actions, drawn(seed, 'reschedules'), season), ...resumed(actions, drawn(seed, 'resumes'))]
      .filter(({ at }) => at < durationMs)
      .sort((a, b) => a.at - b.at),
    startsAt: season.startsAt,
    logRate: 1 + draw.between(-0.001, 0.001),
    latency: draw.chance(0.2) && !tuned ? [5, 120] : [1, 8],
    ...(tuned ? { requestTimeoutMs: 700 } : {}),
    options: {
      ...(tuned ? { liveness: 'tuned' } : {}),
      drainTimeoutMs: draw.of([0, 2_000, 10_000]),
      homeAfterMs: draw.of([2_000, 10_000]),
    },
  };
}

function randomPlaces(random: SeededRandom): PlaceScript[] {
  const draw = new Draw(random);
  const count = 3 + Math.floor(draw.next() * 3);
  const places: PlaceScript[] = Array.from({ length: count }, (_, n) => {
    const id = 'abcde'[n];
    return {
      id,
      name: 'worker',
      host: `host-${id}`,
      labels: { zone: n % 2 === 0 ? 'x' : 'y' },
      at: n === 0 ? 0 : Math.round(draw.chance(0.8) ? draw.between(0, 3_000) : draw.between(5_000, 200_000)),
      rate: draw.of([0.99, 1.01, 1 + draw.between(-0.01, 0.01)]),
      wallOffMs: Math.round(draw.chance(0.8) ? draw.between(-2_000, 2_000) : draw.of([-HOUR, HOUR, 20_000, -20_000])),
      provable: draw.chance(0.4),
      maxConcurrentRuns: draw.of([50, 12]),
      keepsView: draw.chance(0.15),
    };
  });
  if (draw.chance(0.3)) {
    const twin = draw.of(places);
    places.push({
      ...twin,
      place: `${twin.id}-twin`,
      host: `host-of-the-twin`,
      at: Math.round(draw.between(10_000, 300_000)),
      provable: false,
    });
  }
  if (draw.chance(0.35))
    places.push({ id: 'web', name: 'web', host: 'host-web', at: Math.round(draw.between(0, 5_000)), webOnly: true });
  return places;
}

interface Context {
  readonly at: number;
  readonly places: readonly PlaceScript[];
  readonly jobs: readonly string[];
  readonly handlers: readonly string[];
  readonly draw: Draw;
}

function actionsOf(kind: Kind, context: Context): readonly Action[] {
  const { at, draw, places } = context;
  const place = nameOf(draw.of(places));
  const one = (action: Omit<Extract<Action, object>, 'at'>): readonly Action[] => [{ at, ...action } as Action];
  const befalls = (trouble: Trouble, ms = lasting(draw), where: string | null = place) =>
    one({ do: 'trouble', place: where, ms, trouble } as never);
  switch (kind) {
    case 'crash':
      return one({ do: 'crash', place, restartMs: restarted(draw) } as never);
    case 'crashInAppend': {
      const types = draw.of([undefined, undefined, ...aimed]);
      return one({
        do: 'crash',
        place,
        on: draw.of(['sent', 'arrived', 'written'] as const),
        types,
        restartMs: restarted(draw),
      } as never);
    }
    case 'crashInProjection': {
      const on = draw.of(['projecting', 'projected'] as const);
      return one({
        do: 'crash',
        place,
        on,
        types: draw.of([undefined, ...aimed]),
        restartMs: restarted(draw),
      } as never);
    }
    case 'newer':
      return [{ at, do: 'newer', job: draw.of(context.jobs) }];
    case 'lostMove':
      return [{ at, do: 'lost-move', job: draw.of(context.jobs) }];
    case 'restore': {
      // Nobody reaches the log while it is put back.
      const away = Math.round(draw.between(500, 4_000));
      const outage = befalls({ kind: 'refuse', rate: 1 }, away, null);
      const backMs = Math.round(draw.chance(0.5) ? draw.between(1_000, 10_000) : draw.between(10_000, 90_000));
      return [...outage, { at: at + Math.round(away / 2), do: 'restore', backMs }];
    }
    case 'stop':
      return one({ do: 'stop', place, restartMs: restarted(draw) } as never);
    case 'deploy':
      return deployment(context);
    case 'stall':
      return one({ do: 'stall', place, ms: lasting(draw) } as never);
    case 'suspend':
      return one({ do: 'suspend', place, ms: lasting(draw) } as never);
    case 'wall':
      return one({ do: 'wall', place, byMs: draw.of([HOUR, -HOUR, 2_500, -2_500, 30_000, -30_000]) } as never);
    case 'cut':
      return befalls({ kind: 'cut', direction: draw.of(['out', 'in', 'both'] as const), lands: draw.chance(0.5) });
    case 'slow':
      return befalls({ kind: 'slow', factor: draw.of([10, 50, 200]) }, lasting(draw), draw.chance(0.4) ? null : place);
    case 'outage':
      return befalls(
        draw.chance(0.5)
          ? { kind: 'refuse', rate: 1 }
          : { kind: 'cut', direction: draw.of(['out', 'in', 'both'] as const), lands: draw.chance(0.5) },
        lasting(draw),
        draw.chance(0.6) ? null : place,
      );
    case 'unknown':
      return befalls(
        { kind: 'unknown', rate: draw.of([0.2, 0.6]) },
        lasting(draw) * 2,
        draw.chance(0.3) ? null : place,
      );
    case 'ghost':
      return befalls({ kind: 'ghost', rate: draw.of([0.3, 0.7]), delayMs: Math.round(draw.between(50, 9_000)) });
    case 'duplicate':
      return befalls(
        { kind: 'duplicate', rate: 0.5, delayMs: Math.round(draw.between(20, 20_000)) },
        3 * lasting(draw),
      );
    case 'lag':
      return befalls(
        {
          kind: 'lag',
          of: draw.of(['view', 'membership', 'both'] as const),
          ms: Math.round(draw.chance(0.6) ? draw.between(100, 4_000) : draw.between(4_000, 25_000)),
        },
        3 * lasting(draw),
      );
    case 'beats':
      return befalls(
        { kind: 'beats', rate: draw.of([0.3, 0.7, 1]), delayMs: Math.round(draw.between(0, 5_000)) },
        2 * lasting(draw),
      );
    case 'stale':
      return befalls({ kind: 'stale', rate: 0.6, ms: Math.round(draw.between(50, 3_000)) }, 3 * lasting(draw), null);
    case 'drop':
      return one({ do: 'drop', place: draw.chance(0.3) ? null : place } as never);
    case 'order':
      return one({ do: 'order', via: place, commandId: uuidOf(draw.random), ...orderOf(context) } as never);
  }
}

/** People ask the service that is in trouble, too: that is where an answer is lost. */
function ordersThrough(action: Action, context: Context): readonly Action[] {
  const { draw } = context;
  if (action.do !== 'trouble' || action.place === null || !draw.chance(0.5)) return [];
  const at = Math.round(action.at + draw.between(0, action.ms));
  return [{ at, do: 'order', via: action.place, commandId: uuidOf(draw.random), ...orderOf(context) }];
}

/** Moments that a crash is aimed at. */
const aimed: readonly (readonly string[])[] = [
  ['JobRunStarted'],
  ['JobRunSucceeded', 'JobRunFailed', 'JobRunTimedOut'],
  ['JobRequeued'],
  ['JobBoundToService'],
  ['JobReleased'],
  ['ServiceRegistered'],
  ['ServiceMarkedFailed'],
  ['ServiceReasserted'],
  ['ServiceStopped'],
];

/** Every service loses some handlers, one after the other, and gets them back. */
function deployment({ at, places, draw, handlers: all }: Context): readonly Action[] {
  const without = all.filter(() => draw.chance(0.6));
  const every = Math.round(draw.between(1_000, 8_000));
  const back = draw.between(15_000, 60_000);
  return places.flatMap((place, n): Action[] => [
    { at: at + n * every, do: 'stop', place: nameOf(place), restartMs: 500, handlers: without },
    { at: Math.round(at + back + n * every), do: 'stop', place: nameOf(place), restartMs: 500, handlers: all },
  ]);
}

function orderOf({ draw, jobs, places }: Context): Order {
  const job = draw.of(jobs);
  const service = draw.of(places).id;
  const order = draw.of([
    'pause',
    'resume',
    'resume',
    'cancel',
    'cancelAfterRun',
    'remove',
    'runNow',
    'runNow',
    'backfill',
    'backfill',
    'release',
    'resolveHold',
    'resolveHold',
    'bind',
    'bind',
    'bind',
    'reschedule',
    'reschedule',
    'schedule',
    'schedule',
    'drain',
    'mark',
    'mark',
    'confirm',
  ] as const);
  switch (order) {
    case 'resolveHold':
      return { order, job, resolution: draw.of(['retry', 'fail', 'succeeded'] as const) };
    case 'backfill': {
      const toMs = Math.round(draw.between(0, 60)) * SECOND;
      return { order, job, fromMs: toMs + Math.round(draw.between(60, 400)) * SECOND, toMs };
    }
    case 'bind':
      return { order, job, service };
    case 'reschedule':
      if (draw.chance(0.3)) return { order, job, policies: { overlap: draw.of(overlaps) } };
      return draw.chance(0.5)
        ? { order, job, schedule: { kind: 'interval', every: Math.round(draw.between(20, 90)) * SECOND } }
        : { order, job, tag: draw.of<Tag>([{}, { zone: 'x' }, { zone: 'y' }, { host: `host-${service}` }]) };
    case 'schedule':
      return { order, job, renew: true };
    case 'drain':
      return { order, service };
    case 'mark':
      return { order, service, confirmedDead: false };
    case 'confirm':
      return { order: 'mark', service, confirmedDead: true };
    default:
      return { order, job };
  }
}

/** Many of those who schedule anew ask for a schedule of any kind, or for another misfire policy. */
function otherwise(actions: readonly Action[], random: SeededRandom, season: Season): readonly Action[] {
  const draw = new Draw(random);
  return actions.map((action) => {
    if (action.do !== 'order' || action.order !== 'reschedule' || !draw.chance(0.6)) return action;
    if (action.policies !== undefined)
      return { ...action, policies: { ...action.policies, misfire: draw.weighted(misfires) } };
    const schedule = randomSchedule(draw, season, Math.round(draw.between(15, 60)) * SECOND);
    return { ...action, schedule };
  });
}

/** Most of what is paused is resumed by the same people: slots have fallen meanwhile. */
function resumed(actions: readonly Action[], random: SeededRandom): readonly Action[] {
  const draw = new Draw(random);
  return actions.flatMap((action): Action[] => {
    if (action.do !== 'order' || action.order !== 'pause' || !draw.chance(0.8)) return [];
    const at = Math.round(action.at + draw.between(20, 150) * SECOND);
    return [{ at, do: 'order', via: action.via, commandId: uuidOf(draw.random), order: 'resume', job: action.job }];
  });
}

function nameOf(place: PlaceScript): string {
  return place.place ?? place.id;
}

/** Mostly about as long as what the protocol waits for; sometimes shorter or much longer. */
function lasting(draw: Draw): number {
  const [from, to] = draw.of([
    [200, 2_000],
    [1_500, 5_000],
    [3_500, 9_000],
    [3_500, 9_000],
    [8_000, 30_000],
  ] as const);
  return Math.round(draw.between(from, to));
}

function restarted(draw: Draw): number | null {
  if (draw.chance(0.08)) return null;
  return Math.round(draw.chance(0.65) ? draw.between(200, 3_000) : draw.between(3_000, 40_000));
}
