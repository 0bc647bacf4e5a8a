import { livenessProfiles } from 'holdfast';
import type { Line } from './diary';
import type { Fault, LogEntry } from './evidence';
import { isGood, judge, type Judgement } from './judge';
import type { Written } from './ledger';
import { isStop, kinds, plan, type Planned } from './plan';
import { ENTERED_BEFORE_STOP_MS, healthyScene, type Scene } from './scene.fixture';

type Charge = 'lost' | 'doubled' | 'stale' | 'unsound' | 'late' | 'tame';
const charges: readonly Charge[] = ['lost', 'doubled', 'stale', 'unsound', 'late', 'tame'];
const chargesOf = (judgement: Judgement) =>
  Object.fromEntries(charges.flatMap((c) => (judgement[c].length > 0 ? [[c, judgement[c]]] : [])));

const lastWrite = (scene: Scene, kind: Written['kind']) => scene.written.findLast((w) => w.kind === kind)!;
const without = <T>(values: readonly T[], is: (value: T) => boolean): T[] => values.filter((value) => !is(value));
const later = (entry: LogEntry, ms: number): LogEntry => ({ ...entry, created: entry.created + ms });
const firstStop = (scene: Scene) => scene.faults.find(({ kind }) => kind === 'long-stop')!;

/** What is done to a healthy scene, what the judge must say of it, and in which words. */
const doctored: readonly [string, Charge, RegExp, (scene: Scene) => void][] = [
  [
    'an outcome that was acknowledged is not in the log',
    'lost',
    /JobRunSucceeded was acknowledged to process 1\d and is not in the log/,
    (scene) => {
      const at = scene.entries.findLastIndex(({ event }) => event.type === 'JobRunSucceeded');
      scene.entries.splice(at, 1);
    },
  ],
  [
    'a start that was acknowledged is not in the log',
    'lost',
    /entered without a start in the log/,
    (scene) => {
      const at = scene.entries.findLastIndex(({ event }) => event.type === 'JobRunStarted');
      scene.entries.splice(at, 1);
    },
  ],
  [
    'the start that was acknowledged is another one than the log has',
    'lost',
    /JobRunStarted was acknowledged to process 1\d and is not in the log/,
    (scene) => {
      const at = scene.lines.findLastIndex(({ fact }) => fact === 'job.started');
      scene.lines[at] = { ...scene.lines[at], fencingToken: Number(scene.lines[at].fencingToken) - 1 };
    },
  ],
  [
    'the outcome that was acknowledged is that of another process',
    'lost',
    /JobRunSucceeded was acknowledged to process 1\d and is not in the log/,
    (scene) => {
      const at = scene.lines.findLastIndex(({ fact }) => fact === 'job.succeeded');
      scene.lines[at] = { ...scene.lines[at], incarnation: 'another' };
    },
  ],
  [
    'a job whose scheduling was acknowledged is not in the log',
    'lost',
    /work-1: its scheduling was acknowledged/,
    (scene) => void scene.lines.push({ fact: 'conductor.scheduled', job: 'work-1', at: 0, mono: 0, pid: 1 }),
  ],
  [
    'the ledger has a finished run of which the log says that the process lost it',
    'lost',
    /finished, and the log has no outcome of it \(lostInProcess\)/,
    (scene) => {
      const at = scene.entries.findLastIndex(({ event }) => event.type === 'JobRunSucceeded');
      const { data } = scene.entries[at].event;
      const event = { type: 'JobRunAbandoned', data: { ...data, reason: 'lostInProcess' } };
      scene.entries[at] = { ...scene.entries[at], event: event as LogEntry['event'] };
      scene.lines = without(scene.lines, ({ fact }) => fact === 'job.succeeded');
    },
  ],
  [
    'a run is entered twice',
    'doubled',
    /its enter was accepted twice/,
    (scene) => void scene.written.push({ ...lastWrite(scene, 'enter'), id: 1_000 }),
  ],
  [
    'a run is finished twice',
    'doubled',
    /its finish was accepted twice/,
    (scene) => void scene.written.push({ ...lastWrite(scene, 'finish'), id: 1_000 }),
  ],
  [
    'an attempt is started twice in the log',
    'doubled',
    /started twice in the log/,
    (scene) => {
      const start = scene.entries.findLast(({ event }) => event.type === 'JobRunStarted')!;
      scene.entries.push({ ...start, revision: start.revision + 50 });
    },
  ],
  [
    'a write is accepted with a token below one that the ledger had seen',
    'stale',
    /was accepted with token \d+, after \d+/,
    (scene) => {
      const old = scene.written.find(({ kind }) => kind === 'enter')!;
      scene.written.push({ ...old, id: 1_000, kind: 'late' });
    },
  ],
  [
    'a write bears a token that is not that of its start',
    'stale',
    /which is not that of its start/,
    (scene) => {
      const last = lastWrite(scene, 'finish');
      scene.written = scene.written.map((w) => (w === last ? { ...w, token: w.token + 1 } : w));
    },
  ],
  [
    'a write comes from a service that had not started the run',
    'stale',
    /which had not started it/,
    (scene) => {
      const last = lastWrite(scene, 'finish');
      scene.written = scene.written.map((w) => (w === last ? { ...w, incarnation: 'another' } : w));
    },
  ],
  [
    'verify finds something',
    'unsound',
    /I1: Epoch 2/,
    (scene) => void scene.unsound.push('job-work-0 revision 3: I1: Epoch 2 has another owner'),
  ],
  [
    'a job whose owner was killed is bound again too late',
    'late',
    /bound elsewhere \d+\.\d s after kill; \d+\.\d s are allowed/,
    (scene) => {
      const at = scene.entries.findLastIndex(({ event }) => event.type === 'JobRequeued');
      scene.entries = scene.entries.map((entry, n) => (n >= at - 1 ? later(entry, 30_000) : entry));
      scene.endingAt += 30_000;
    },
  ],
  [
    'a job whose owner was killed is never bound again',
    'late',
    /not bound again in \d+\.\d s after kill/,
    (scene) => {
      const at = scene.entries.findLastIndex(({ event }) => event.type === 'JobBoundToService');
      scene.entries.splice(at, 1);
      scene.endingAt += 60_000;
    },
  ],
  [
    'a job pauses for longer than anything explains',
    'late',
    /not entered for \d+\.\d s from/,
    (scene) => {
      const last = lastWrite(scene, 'enter');
      scene.written = scene.written.map((w) => (w.id >= last.id ? { ...w, at: w.at + 20_000 } : w));
      scene.endingAt += 20_000;
    },
  ],
  [
    'a job never runs',
    'late',
    /work-1: never ran/,
    (scene) => void scene.jobs.push({ id: 'work-1', everyMs: 4_000, ms: 500 }),
  ],
  [
    'the handler of a resumed process goes on',
    'late',
    /its handler went on for 3\.0 s after its process was resumed/,
    (scene) => {
      const { untilMono } = firstStop(scene);
      scene.lines = scene.lines.map((l) => (l.fact === 'handler.aborted' ? { ...l, mono: untilMono + 3_000 } : l));
      scene.lines = without(
        scene.lines,
        (l) => l.fact === 'handler.left' && l.mono > untilMono && l.mono < untilMono + 3_000,
      );
    },
  ],
  [
    'a process does not end in order',
    'late',
    /did not end within 24 s of SIGTERM/,
    (scene) => void scene.seen.push('chaos@h1: did not end within 24 s of SIGTERM'),
  ],
  [
    'no handler was in the middle of a run when its process was stopped for long',
    'tame',
    /no handler was resumed/,
    (scene) => {
      const { atMono } = firstStop(scene);
      scene.lines = without(
        scene.lines,
        (l) => l.fact === 'handler.entered' && l.mono === atMono - ENTERED_BEFORE_STOP_MS,
      );
    },
  ],
  [
    'nobody came with a stale token in a long run',
    'tame',
    /nobody came to the ledger with a token that was too low/,
    (scene) => {
      scene.refused = [];
      scene.settings = { ...scene.settings, minutes: 3 };
    },
  ],
  ...kinds.map((kind): [string, Charge, RegExp, (scene: Scene) => void] => [
    `no fault of the kind ${kind} was made`,
    'tame',
    new RegExp(`^${kind}: made 0 times`),
    (scene) => void (scene.faults = without(scene.faults, (fault) => fault.kind === kind)),
  ]),
  ...(
    [
      ['kill-appending', (f) => ({ ...f, inCommit: false })],
      ['stop-in-commit', (f) => ({ ...f, inCommit: false })],
      ['twin', (f) => ({ ...f, foundOut: false })],
      ['stop', (f) => ({ ...f, until: f.at + 10 })],
      ['stop-at-the-threshold', (f) => ({ ...f, until: f.at + 10 })],
      ['kill', (f) => ({ ...f, pids: [99] })],
      ['restart', (f) => ({ ...f, pids: [99] })],
      ['term', (f) => ({ ...f, pids: [99] })],
    ] as readonly [Fault['kind'], (fault: Fault) => Fault][]
  ).map(([kind, change]): [string, Charge, RegExp, (scene: Scene) => void] => [
    `the fault of the kind ${kind} had no effect`,
    'tame',
    new RegExp(`^${kind}: made 1 times, with effect 0 times`),
    (scene) => void (scene.faults = scene.faults.map((f) => (f.kind === kind ? change(f) : f))),
  ]),
  ...(
    [
      ['stall', 'late'],
      ['full', 'disk.has-room'],
      ['long-stop', 'service.fenced'],
      ['term', 'service.closed'],
    ] as const
  ).map(([kind, fact]): [string, Charge, RegExp, (scene: Scene) => void] => [
    `nothing is seen of the fault of the kind ${kind}`,
    'tame',
    new RegExp(`^${kind}: made 1 times, with effect 0 times`),
    (scene) => void (scene.lines = without<Line>(scene.lines, (l) => l.fact === fact)),
  ]),
];

describe('the judge of the chaos', () => {
  it('finds nothing in a run in which all is well', () => {
    const judgement = judge(healthyScene());
    expect(chargesOf(judgement)).toEqual({});
    expect(isGood(judgement)).toBe(true);
  });

  it('tells the takeovers by what did them, and how long a resumed handler went on', () => {
    const { takeovers, zombies, unprovoked } = judge(healthyScene());
    expect(takeovers.map(({ cause, boundMs }) => ({ cause, boundMs }))).toEqual(
      ['restart', 'kill-appending', 'term', 'kill'].map((cause) => ({ cause, boundMs: 6_400 })),
    );
    expect(takeovers.every(({ ranOnMs }) => ranOnMs === 6_400)).toBe(true);
    expect(unprovoked).toBe(0);
    expect(zombies).toEqual([{ job: 'work-0', wentOnMs: 3, allowedMs: 0 }]);
  });

  it('counts the services that were marked failed though no fault had met them', () => {
    const scene = healthyScene();
    scene.faults = without(scene.faults, ({ kind }) => kind === 'kill');
    expect(judge(scene).unprovoked).toBe(1);
  });

  it.each(doctored)('catches that %s', (_what, charge, words, doctor) => {
    const scene = healthyScene();
    doctor(scene);
    const judgement = judge(scene);
    expect(isGood(judgement)).toBe(false);
    expect(judgement[charge]).toEqual(expect.arrayContaining([expect.stringMatching(words)]));
  });

  it('lets a takeover take longer where the machine, or a fault of the log, explains it, and no longer', () => {
    const delayed = (more: (scene: Scene) => void) => {
      const scene = healthyScene();
      const at = scene.entries.findLastIndex(({ event }) => event.type === 'JobRequeued');
      const verdict = scene.entries[at].created;
      scene.entries = scene.entries.map((entry, n) => (n >= at - 1 ? later(entry, 20_000) : entry));
      const first = scene.written.findIndex((w) => w.at >= verdict);
      scene.written = scene.written.map((w, n) => (n >= first ? { ...w, at: w.at + 20_000 } : w));
      scene.endingAt += 20_000;
      more(scene);
      return judge(scene).late;
    };
    const kill = healthyScene().faults.find(({ kind }) => kind === 'kill')!;
    const during: Fault = { ...kill, kind: 'stop', dead: false, pids: [12], until: kill.at + 12_000 };
    const starved = (ms: number): Line => ({
      fact: 'late',
      at: kill.at + ms,
      mono: kill.atMono + ms,
      pid: 1,
      fromMono: kill.atMono,
      toMono: kill.atMono + ms,
    });
    expect(delayed(() => undefined)).not.toEqual([]);
    expect(delayed(({ lines }) => void lines.push(starved(15_000)))).toEqual([]);
    expect(delayed(({ lines }) => void lines.push(starved(1_000)))).not.toEqual([]);
    expect(delayed(({ faults }) => void faults.push({ ...during, inCommit: true }))).toEqual([]);
    expect(delayed(({ faults }) => void faults.push({ ...during, pids: [13] }))).not.toEqual([]);
  });
});

describe('the plan of faults', () => {
  const first = (seed: number, count: number, profile: keyof typeof livenessProfiles = 'default') => {
    const faults = plan(seed, profile);
    return Array.from({ length: count }, () => faults.next().value);
  };

  it('is the same for the same seed, and another one for another', () => {
    expect(first(1, 200)).toEqual(first(1, 200));
    expect(first(1, 200)).not.toEqual(first(2, 200));
  });

  it('deals every kind once before any comes again', () => {
    for (let seed = 0; seed < 50; seed++)
      expect(new Set(first(seed, kinds.length).map(({ kind }) => kind)).size).toBe(kinds.length);
  });

  it.each(['default', 'tuned'] as const)('stops processes for half a second to twenty seconds: %s', (profile) => {
    const byTime = ({ kind }: Planned) => isStop(kind) && kind !== 'stop-in-commit';
    const lasting = first(1, 8_000, profile)
      .filter(byTime)
      .map(({ lastsMs }) => lastsMs);
    expect(Math.min(...lasting)).toBeGreaterThanOrEqual(500);
    expect(Math.min(...lasting)).toBeLessThan(700);
    expect(Math.max(...lasting)).toBeGreaterThan(19_500);
    expect(Math.max(...lasting)).toBeLessThanOrEqual(20_000);
    // Nothing between is left out, the moment of the verdict least of all.
    const halves = new Set(lasting.map((ms) => Math.floor(ms / 500)));
    expect([...halves].filter((half) => half < 40).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 39 }, (_, n) => n + 1),
    );
  });

  it.each(['default', 'tuned'] as const)('stops processes for about as long as their peers wait: %s', (profile) => {
    const { failAfterMs } = livenessProfiles[profile];
    const about = first(1, 8_000, profile).filter(({ kind }) => kind === 'stop-at-the-threshold');
    const fromThreshold = about.map(({ lastsMs }) => lastsMs - failAfterMs);
    const steps = [-1_000, -500, 0, 500, 1_000, 2_500].filter((from) => failAfterMs + from >= 500);
    for (const from of steps) expect(fromThreshold.some((ms) => ms >= from && ms < from + 500)).toBe(true);
    for (const ms of fromThreshold) expect(Math.abs(ms)).toBeLessThanOrEqual(3_000);
  });
});
