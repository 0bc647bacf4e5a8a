import { specification, specify } from '../../testing/specification';
import {
  decide,
  dueAt,
  misfireRule,
  type JobCommand,
  type JobEvent,
  type Misfire,
  type MisfireRule,
  type Overlap,
} from '.';
import { after } from './record.fixture';
import { anna, ask, at, bert, definition, facts, run, slotAt } from './story.fixture';

/** Both policies at once. A job every minute; slots are named by their seconds after noon. */

const bound = facts.bound(1, 1, anna);
const replacing = facts.scheduled(0, definition({}, { overlap: 'replace', misfire: 'all' }), 60);
const beside = facts.scheduled(0, definition({}, { overlap: { allow: 2 }, misfire: 'all' }), 60);
const of = (slot: number) => run(slot, 1, 1, anna);

/** The slot and the backlog of each run that the last command starts. */
function startedBy(...story: readonly (JobEvent | JobCommand)[]): readonly [string, string | undefined][] {
  const command = story.at(-1) as JobCommand;
  const decision = decide(after(...story.slice(0, -1)), command);
  if (!decision.ok) throw new Error(decision.refusal.rule);
  return decision.events.flatMap((event) =>
    event.type === 'JobRunStarted' ? [[event.data.slot, event.data.backlogTo] as [string, string | undefined]] : [],
  );
}

describe('replace, all', () => {
  const working = [replacing, bound, ask.start(250, 1, anna)] as const;
  specify(it, [
    specification('a slot of a backlog is not replaced by the next of it, or none would ever be done')
      .given(...working)
      .when(ask.start(251, 1, anna))
      .thenRefused('run-open'),
    specification('nor skipped for it as stuck')
      .given(...working)
      .when(ask.skipStuck(251, 1, anna))
      .thenRefused('nothing-due'),
  ]);
  it('they follow one another', () => {
    expect(dueAt(after(...working))).toBeNull();
    expect(startedBy(...working, ask.complete(255, of(60), { startNext: true }))).toEqual([[slotAt(120), slotAt(240)]]);
  });
  it('what falls once the backlog is done replaces as ever', () => {
    const last = [
      replacing,
      bound,
      ask.start(130, 1, anna),
      ask.complete(131, of(60)),
      ask.start(131, 1, anna),
    ] as const;
    expect(dueAt(after(...last))).toBe(at(180));
  });
});

describe('replace, a slot that waits for its room and is older by then than the misfire policy lets it be', () => {
  const prompt = { ...misfireRule('skip'), thresholdMs: 1_000 };
  const jobWith = (misfire: Misfire, overlap: Overlap = 'replace') =>
    facts.scheduled(0, definition({}, { overlap, misfire }), 60);
  const running = [jobWith(prompt), bound, facts.started(60, of(60), anna, 120)] as const;
  const asked = [jobWith(prompt), bound, facts.requested(50, 2)] as const;
  const manual = run('manual:2', 1, 1, anna);
  const past = { kind: 'once', at: at(90), start: null, end: null, maxRuns: null } as const;
  specify(it, [
    specification('is late, not missed, when it has replaced the run')
      .given(...running)
      .when(ask.replace(122, of(60)))
      .then(facts.abandoned(122, of(60), 'replaced'), facts.started(122, of(120), anna, 180)),
    specification('… also under all, beyond the maximal age')
      .given(jobWith({ ...misfireRule('all'), maxAgeMs: 1_000 }), bound, facts.started(60, of(60), anna, 120))
      .when(ask.replace(122, of(60)))
      .then(facts.abandoned(122, of(60), 'replaced'), facts.started(122, of(120), anna, 180)),
    specification('… also when the run has succeeded all the same')
      .given(...running)
      .when(ask.complete(122, of(60), { startNext: true }))
      .then(facts.succeeded(122, of(60)), facts.started(122, of(120), anna, 180)),
    specification('… also when the owner gives the job back: whoever takes it starts that')
      .given(...running, ask.replace(122, of(60), { release: 'drain' }))
      .when(ask.claim(125, bert))
      .then(facts.bound(125, 2, bert), facts.started(125, run(120, 1, 2, bert), bert, 180)),
    specification('… also a period later: the latest, and the earlier ones are missed')
      .given(...running, ask.replace(122, of(60), { release: 'drain' }))
      .when(ask.claim(185, bert))
      .then(
        facts.bound(185, 2, bert),
        facts.skipped(185, 'misfire', [120, 120, 1], 180),
        facts.started(185, run(180, 1, 2, bert), bert, 240),
      ),
    specification('… also when its owner dies idle')
      .given(...running, ask.complete(122, of(60)))
      .when(ask.requeue(185, anna, bert))
      .then(
        facts.requeued(185, 1, anna),
        facts.bound(185, 2, bert, 'requeue'),
        facts.skipped(185, 'misfire', [120, 120, 1], 180),
        facts.started(185, run(180, 1, 2, bert), bert, 240),
      ),
    specification('the latest of several; the earlier ones are missed')
      .given(...running)
      .when(ask.complete(185, of(60), { startNext: true }))
      .then(
        facts.succeeded(185, of(60)),
        facts.skipped(185, 'misfire', [120, 120, 1], 180),
        facts.started(185, of(180), anna, 240),
      ),
    specification('so it is with what fell before it could be started')
      .given(...running, ask.replace(122, of(60), {}))
      .when(ask.start(185, 1, anna))
      .then(facts.skipped(185, 'misfire', [120, 120, 1], 180), facts.started(185, of(180), anna, 240)),
    specification('what falls when nothing is in progress is missed as ever')
      .given(...running, ask.complete(100, of(60)))
      .when(ask.start(122, 1, anna))
      .then(facts.skipped(122, 'misfire', [120, 120, 1], 180)),
    specification('a run on request is waited for, too')
      .given(...asked, facts.started(50, manual, anna, 60))
      .when(ask.complete(70, manual, { startNext: true }))
      .then(facts.succeeded(70, manual), facts.started(70, of(60), anna, 120)),
    specification('… not by what was late before that began')
      .given(...asked, facts.started(65, manual, anna, 60))
      .when(ask.complete(70, manual, { startNext: true }))
      .then(facts.succeeded(70, manual), facts.skipped(70, 'misfire', [60, 60, 1], 120)),
    ...(['replace', 'queue'] as const).flatMap((overlap) => {
      const begun = [
        jobWith(prompt, overlap),
        bound,
        facts.requested(50, 2),
        facts.started(65, manual, anna, 60),
      ] as const;
      const second = run('manual:5', 1, 1, anna);
      const backfilled = run(`backfill:4:${slotAt(-60)}`, 1, 1, anna);
      return [
        specification(`… by what fell during it, though an older one was late before that began (${overlap})`)
          .given(...begun)
          .when(ask.complete(130, manual, { startNext: true }))
          .then(
            facts.succeeded(130, manual),
            facts.skipped(130, 'misfire', [60, 60, 1], 120),
            facts.started(130, of(120), anna, 180),
          ),
        specification(`… so it is when the job has changed hands meanwhile (${overlap})`)
          .given(...begun, ask.complete(130, manual), facts.released(140, 1, anna, 'drain'))
          .when(ask.claim(195, bert))
          .then(
            facts.bound(195, 2, bert),
            facts.skipped(195, 'misfire', [60, 120, 2], 180),
            facts.started(195, run(180, 1, 2, bert), bert, 240),
          ),
        specification(
          `… and when a second run on request follows the first: what is missed is accounted for before (${overlap})`,
        )
          .given(...begun, facts.requested(70, 4), ask.complete(130, manual))
          .when(ask.start(131, 1, anna))
          .then(
            facts.skipped(131, 'misfire', [60, 60, 1], 120),
            facts.started(131, run('manual:4', 1, 1, anna), anna, 120),
          ),
        specification(`… which it then waits for, too (${overlap})`)
          .given(...begun, facts.requested(70, 4), ask.complete(130, manual), ask.start(131, 1, anna))
          .when(ask.complete(135, run('manual:4', 1, 1, anna), { startNext: true }))
          .then(facts.succeeded(135, run('manual:4', 1, 1, anna)), facts.started(135, of(120), anna, 180)),
        specification(`… also in the hands of another (${overlap})`)
          .given(...begun, facts.requested(70, 4), ask.complete(130, manual), facts.released(132, 1, anna, 'drain'))
          .given(ask.claim(135, bert))
          .when(ask.complete(140, run('manual:4', 1, 2, bert), { startNext: true }))
          .then(facts.succeeded(140, run('manual:4', 1, 2, bert)), facts.started(140, run(120, 1, 2, bert), bert, 180)),
        specification(`… and when that passes while another waits for its next attempt (${overlap})`)
          .given(jobWith(prompt, overlap), bound, facts.requested(50, 2), facts.started(55, manual, anna, 60))
          .given(facts.failed(100, manual, 1, 110), facts.requested(101, 5), ask.start(102, 1, anna))
          .given(ask.complete(105, second), ask.start(110, 1, anna))
          .when(ask.complete(115, run('manual:2', 2, 1, anna), { startNext: true }))
          .then(facts.succeeded(115, run('manual:2', 2, 1, anna)), facts.started(115, of(60), anna, 120)),
        specification(`… and when the further attempt of a backfill ends after it (${overlap})`)
          .given(jobWith(prompt, overlap), bound, facts.started(60, of(60), anna, 120), ask.complete(61, of(60)))
          .given(facts.backfilled(100, 4, -60), ask.start(101, 1, anna))
          .given(facts.failed(105, backfilled, 1, 115), facts.requested(106, 7), ask.start(107, 1, anna))
          .given(ask.complete(130, run('manual:7', 1, 1, anna)), ask.start(130, 1, anna))
          .when(ask.complete(131, { ...backfilled, attempt: 2 }, { startNext: true }))
          .then(facts.succeeded(131, { ...backfilled, attempt: 2 }), facts.started(131, of(120), anna, 180)),
        specification(`what fell between two of them is late by itself (${overlap})`)
          .given(...begun, ask.complete(70, manual), facts.requested(121, 5), facts.started(125, second, anna, 60))
          .when(ask.complete(135, second, { startNext: true }))
          .then(facts.succeeded(135, second), facts.skipped(135, 'misfire', [60, 120, 2], 180)),
      ];
    }),
    specification('… and it waits on when a run on request goes before it')
      .given(...running, facts.requested(121, 3), ask.replace(122, of(60)))
      .when(ask.complete(125, run('manual:3', 1, 1, anna), { startNext: true }))
      .then(facts.succeeded(125, run('manual:3', 1, 1, anna)), facts.started(125, of(120), anna, 180)),
    specification('is missed where the run was lost: that is run again')
      .given(...running)
      .when(ask.requeue(125, anna, bert))
      .then(
        facts.abandoned(125, of(60), 'ownerFailed'),
        facts.requeued(125, 1, anna),
        facts.skipped(125, 'misfire', [120, 120, 1], 180),
        facts.bound(125, 2, bert, 'requeue'),
        facts.started(125, run(60, 2, 2, bert), bert, 180),
      ),
    specification('is missed where it was past when its schedule came: the run that was stopped for it is run again')
      .given(
        ...running,
        ask.reschedule(
          121,
          definition({ schedule: { ...past, at: at(120.5) } }, { overlap: 'replace', misfire: prompt }),
        ),
      )
      .when(ask.replace(122, of(60)))
      .then(
        facts.abandoned(122, of(60), 'lostInProcess'),
        facts.skipped(122, 'misfire', [120.5, 120.5, 1], null),
        facts.started(122, run(60, 2, 1, anna), anna, null, { definitionRevision: 4 }),
      ),
    ...(['replace', 'queue'] as const).map((overlap) =>
      specification(`nothing waits (${overlap}) that was past when its schedule came: missed`)
        .given(
          jobWith(prompt, overlap),
          bound,
          facts.started(60, of(60), anna, 120),
          ask.complete(100, of(60)),
          ask.reschedule(110, definition({ schedule: past }, { overlap, misfire: prompt })),
        )
        .when(ask.start(111, 1, anna))
        .then(facts.skipped(111, 'misfire', [90, 90, 1], null), facts.completed(111, 'succeeded')),
    ),
  ]);
});

describe('queue, all: what has grown too old, or is beyond the cap, before a slot that waits in the queue', () => {
  const late = (misfire: Partial<MisfireRule>) =>
    [
      facts.scheduled(0, definition({}, { overlap: 'queue', misfire: { ...misfireRule('all'), ...misfire } }), 60),
      bound,
      facts.requested(50, 2),
      facts.started(65, run('manual:2', 1, 1, anna), anna, 60),
    ] as const;
  it.each([{ maxAgeMs: 100_000 }, { cap: 2 }])('does not cost what is still to be run: %p', (misfire) => {
    const first = ask.complete(250, run('manual:2', 1, 1, anna), { startNext: true });
    expect(startedBy(...late(misfire), first)).toEqual([[slotAt(180), slotAt(240)]]);
    const next = [...late(misfire), first, ask.complete(255, of(180), { startNext: true })] as const;
    expect(startedBy(...next).map(([slot]) => slot)).toEqual([slotAt(240)]);
  });
});

describe('queue, a run on request that passes while a slot waits for its next attempt', () => {
  it('does not cost what waits behind that', () => {
    const prompt = { ...misfireRule('skip'), thresholdMs: 1_000 };
    const story = [
      facts.scheduled(0, definition({}, { overlap: 'queue', misfire: prompt }), 60),
      ...[bound, facts.started(60, of(60), anna, 120), facts.failed(100, of(60), 1, 150)],
      ...[facts.requested(121, 4), ask.start(125, 1, anna), ask.complete(126, run('manual:4', 1, 1, anna))],
      ...[ask.start(150, 1, anna), ask.complete(170, run(60, 2, 1, anna), { startNext: true })],
    ];
    expect(startedBy(...story).map(([slot]) => slot)).toEqual([slotAt(120)]);
  });
});

describe('allow(2), all', () => {
  it('two slots of a backlog are run at once', () => {
    const working = [beside, bound, ask.start(250, 1, anna)] as const;
    expect(startedBy(...working, ask.start(250, 1, anna))).toEqual([[slotAt(120), slotAt(240)]]);
    expect(dueAt(after(...working, ask.start(250, 1, anna)))).toBeNull();
  });
});
