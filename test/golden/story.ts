import type { Misfire } from '../../src/domain/job';
import type { Schedule } from '../../src/domain/schedule';
import type { RecordedEvent } from '../../src/event-store';
import { definition } from '../audit/healthy-log';
import { Storyteller } from './storyteller';

const bounds = { start: null, end: null, maxRuns: null };
const asap: Schedule = { kind: 'once', at: 'asap', ...bounds };
const MINUTE = 60_000;
/** The jobs that break a rule (I4), by what they say for a lost owner. */
export const ofTheLostLog = {
  rerun: 'of-the-lost-log',
  fail: 'of-the-lost-log-and-fails',
  hold: 'of-the-lost-log-and-held',
} as const;

/**
 * A log that holds every event type, every field that the codec asks for, and every word that it knows: written by the deciders, the same every time.
 * What it tells is in the names of its jobs.
 */
export function goldenStory(): readonly RecordedEvent[] {
  const story = new Storyteller();
  const { log } = story;
  const [one, two, three] = ['engine@host-1', 'engine@host-2', 'other@host-3'];
  for (const serviceId of [one, two, three]) log.register(serviceId, story.incarnation());
  for (const serviceId of [one, two, three]) log.beat(serviceId, 1);

  everySchedule(story);
  outcomes(story, two);
  last(story, two);
  operators(story, one, two);
  books(story, two);
  lostOwners(story, one, two);
  otherEnds(story, one, two, three);
  suspectAndLate(story, one, two, three);
  overlapping(story, one, two);
  jitter(story, two);
  zoneData(story, two);
  missed(story, two);
  lostLog(story, one, two);
  for (const serviceId of [one, two]) log.beat(serviceId, 2);
  return log.events;
}

function everySchedule(story: Storyteller): void {
  const { log } = story;
  const later = log.now + 3_600_000;
  const schedules: { readonly [name: string]: Schedule } = {
    'once-asap': asap,
    'once-at': { kind: 'once', at: later, start: log.now, end: later * 2, maxRuns: 1, jitterMs: 1_000 },
    interval: {
      kind: 'interval',
      everyMs: MINUTE,
      ...bounds,
      origin: log.now,
      start: log.now,
      end: later,
      maxRuns: 40,
      jitterMs: 1_000,
    },
    'calendar-days': {
      kind: 'calendar',
      ...{ every: 3, unit: 'day', weekdays: [], day: null, missing: 'last', at: '03:30', zone: 'Europe/Berlin' },
      ...{ origin: null, ...bounds },
    },
    'calendar-weeks': {
      kind: 'calendar',
      ...{ every: 2, unit: 'week', weekdays: [1, 4], day: null, missing: 'last', at: '03:30:15', zone: 'UTC' },
      ...{ origin: '2020-05-04', start: log.now, end: later * 2, maxRuns: 9, jitterMs: 1_000 },
    },
    'calendar-months': {
      kind: 'calendar',
      ...{ every: 3, unit: 'month', weekdays: [], day: 31, missing: 'skip', at: '00:00', zone: 'UTC' },
      ...{ origin: '2020-01-01', ...bounds },
    },
    'cron-either': { kind: 'cron', pattern: '30 3 1 * 1', zone: 'Europe/Berlin', days: 'either', ...bounds },
    'cron-both': {
      kind: 'cron',
      pattern: '30 3 1 * 1',
      zone: 'UTC',
      days: 'both',
      ...bounds,
      start: log.now,
      end: later * 2,
      maxRuns: 7,
      jitterMs: 1_000,
    },
  };
  for (const [name, schedule] of Object.entries(schedules)) {
    story.schedule(
      `schedule-${name}`,
      definition({ schedule, payload: { of: name }, affinity: name === 'interval' ? 'preferred' : 'required' }),
    );
  }
  for (const [n, schedule] of Object.values(schedules).entries()) {
    const policies = [
      { onOwnerLoss: 'fail' },
      { onOwnerLoss: 'hold' },
      { onStuck: 'wait' },
      { timeoutMs: 900 },
      {},
    ] as const;
    const affinity = n % 2 === 0 ? 'preferred' : 'required';
    const of = definition({ schedule, affinity, tag: { name: 'engine' } }, policies[n] ?? {});
    story.schedule(`schedule-${n}`, definition());
    const definitionHash = JSON.stringify(of);
    story.job(`schedule-${n}`, { kind: 'RescheduleJob', definition: of, definitionHash, ...story.asked }, 1);
  }
  story.declare('declared', definition({ payload: null }), 'hash-1', true);
  log.now += 1_000;
  story.declare('declared', definition({ payload: 'new' }), 'hash-2');
}

/** When a slot is due is a fact, wherever the pending slot is one. */
function jitter(story: Storyteller, owner: string): void {
  const { log } = story;
  const schedule: Schedule = { kind: 'interval', everyMs: MINUTE, origin: null, ...bounds, jitterMs: 50_000 };
  const of = definition({ schedule }, { onOwnerLoss: 'hold' });
  story.schedule('jitter', of, { booksEvery: 1 });
  story.claim('jitter', owner, false);
  log.now += 3 * MINUTE;
  story.start('jitter');
  story.complete('jitter');
  story.job('jitter', { kind: 'PauseJob', ...story.asked });
  story.job('jitter', { kind: 'ResumeJob', ...story.asked });
  log.now += 2 * MINUTE;
  story.start('jitter');
  log.now += 7_000;
  log.markFailed(owner, 'engine@host-1');
  story.takeOver('jitter', 'engine@host-1', 500);
  story.job('jitter', { kind: 'ResolveHold', resolution: 'fail', ...story.asked });
  log.register(owner, story.incarnation());
}

/** A pending slot that newer zone data has somewhere else. */
function zoneData(story: Storyteller, owner: string): void {
  const { log } = story;
  const schedule: Schedule = {
    kind: 'cron',
    ...{ pattern: '30 12 * * *', zone: 'Europe/Berlin', days: 'either', ...bounds, jitterMs: 50_000 },
  };
  const of = definition({ schedule });
  const asked = { definition: of, definitionHash: JSON.stringify(of), onConflict: 'refuse', renew: false } as const;
  const command = { kind: 'ScheduleJob', jobId: 'zone-data', ...asked, ...story.asked } as const;
  log.job('zone-data', command, 500, (event) => {
    if (event.type !== 'JobScheduled' || event.data.nextSlot === null) return event;
    const nextSlot = new Date(Date.parse(event.data.nextSlot) + 60 * MINUTE).toISOString();
    return { ...event, data: { ...event.data, nextSlot, zoneData: '2019c' } };
  });
  story.claim('zone-data', owner, false);
}

function outcomes(story: Storyteller, owner: string): void {
  const { log } = story;
  const retry = { maxRetries: 1, initialMs: 1_000, factor: 2, maxMs: 10_000 };
  story.schedule('outcomes', definition({}, { retry, timeoutMs: 1_000, priority: 3 }));
  story.claim('outcomes', owner);
  log.now += MINUTE;
  story.start('outcomes');
  story.fail('outcomes');
  log.now += 1_000;
  story.start('outcomes');
  story.fail('outcomes', true);
  log.now += MINUTE;
  const lost = story.start('outcomes');
  story.abandon('outcomes', 'lostInProcess');
  story.job('outcomes', { kind: 'RequestRun', ...story.asked });
  story.start('outcomes');
  story.complete('outcomes');
  log.now += 5 * MINUTE;
  story.start('outcomes');
  story.complete('outcomes', undefined, 'drain');
  story.claim('outcomes', owner, false);
  log.now += MINUTE;
  story.start('outcomes');
  story.abandon('outcomes', 'stuck');
  story.claim('outcomes', owner, false);
  const then = { release: null, startNext: false };
  const failure = { kind: 'failed', error: 'Error', message: 'late' } as const;
  story.job('outcomes', { kind: 'FailRun', run: lost, durationMs: 1, failure, then, ...story.common });
  story.schedule('once', definition({ schedule: asap }, { onStuck: 'wait' }));
  story.claim('once', owner);
  story.complete('once');
  log.now += 1_000;
  story.schedule('once', definition({ schedule: asap, payload: 2 }), { renew: true });
  story.claim('once', owner);
  story.fail('once');
}

/** Jobs of which no further slot will come. */
function last(story: Storyteller, owner: string): void {
  const { log } = story;
  const retry = { maxRetries: 2, initialMs: 1_000, factor: 2, maxMs: 10_000 };
  story.schedule('last-waits', definition({ schedule: asap }, { retry }));
  story.claim('last-waits', owner);
  const changed = definition({ schedule: asap, payload: 'changed' }, { retry });
  story.job('last-waits', { kind: 'PauseJob', ...story.asked });
  story.job('last-waits', { kind: 'ResumeJob', ...story.asked });
  story.fail('last-waits', true);
  const definitionHash = JSON.stringify(changed);
  story.job('last-waits', { kind: 'RescheduleJob', definition: changed, definitionHash, ...story.asked });
  story.schedule('last-fails', definition({ schedule: asap }, { retry: { ...retry, maxRetries: 0 } }));
  story.claim('last-fails', owner);
  story.fail('last-fails');
  story.schedule('last-cancelled', definition({ schedule: { kind: 'once', at: log.now + 1_000, ...bounds } }));
  log.now += 2_000;
  story.job('last-cancelled', { kind: 'CancelJob', mode: 'now', ...story.asked });
}

function operators(story: Storyteller, one: string, two: string): void {
  const { log } = story;
  story.schedule('asked', definition({ tag: { name: 'engine' } }));
  story.move('asked', one);
  log.now += 1_000;
  story.move('asked', two);
  story.job('asked', { kind: 'PauseJob', ...story.asked });
  log.now += 3 * MINUTE;
  story.job('asked', { kind: 'ResumeJob', ...story.asked });
  const changed = definition({
    tag: { host: 'host-2' },
    affinity: 'preferred',
    schedule: { kind: 'interval', everyMs: 2 * MINUTE, origin: null, ...bounds },
  });
  story.job('asked', {
    kind: 'RescheduleJob',
    definition: changed,
    definitionHash: JSON.stringify(changed),
    ...story.asked,
  });
  story.release('asked', 'rebalance', one);
  story.claim('asked', one, false);
  story.release('asked', 'home', two);
  story.claim('asked', two, false);
  log.now += 2 * MINUTE;
  story.start('asked');
  story.job('asked', { kind: 'RequestRun', ...story.asked });
  story.job('asked', { kind: 'CancelJob', mode: 'now', ...story.asked });
  story.job('asked', { kind: 'RemoveJob', ...story.asked });
  story.schedule('ended', definition());
  story.claim('ended', two, false);
  log.now += MINUTE;
  story.start('ended');
  story.job('ended', { kind: 'CancelJob', mode: 'afterRun', ...story.asked });
  story.complete('ended');
}

/** The books of a job in every stage. */
function books(story: Storyteller, owner: string): void {
  const { log } = story;
  story.schedule('books-live', definition(), { booksEvery: 1 });
  story.schedule('books-cancelled', definition());
  story.job('books-cancelled', { kind: 'CancelJob', mode: 'now', ...story.asked }, 1);
  story.schedule('books-removed', definition());
  story.job('books-removed', { kind: 'RemoveJob', ...story.asked }, 1);
  story.schedule('books-completed', definition({ schedule: asap }));
  story.claim('books-completed', owner);
  const then = { release: null, startNext: false };
  const run = story.run('books-completed');
  story.job('books-completed', { kind: 'CompleteRun', run, durationMs: 5, then, ...story.common }, 1);
  story.schedule('books-running', definition({}, { timeoutMs: 500 }));
  story.claim('books-running', owner, false);
  log.now += MINUTE;
  story.start('books-running');
  story.job('books-running', { kind: 'RequestRun', ...story.asked }, 1);
  story.complete('books-running');
}

function lostOwners(story: Storyteller, one: string, two: string): void {
  const { log } = story;
  const policies = ['rerun', 'fail', 'hold'] as const;
  for (const onOwnerLoss of policies) {
    story.schedule(`lost-${onOwnerLoss}`, definition({}, { onOwnerLoss }));
    story.claim(`lost-${onOwnerLoss}`, one, false);
  }
  for (const job of ['lost-again', 'lost-counted']) {
    story.schedule(job, definition({}, { onOwnerLoss: 'hold' }));
    story.claim(job, one, false);
  }
  story.schedule('lost-once', definition({ schedule: asap }, { onOwnerLoss: 'hold' }));
  story.claim('lost-once', one);
  story.schedule('lost-poison', definition());
  story.claim('lost-poison', one, false);
  story.schedule('lost-pinned', definition({ tag: { host: 'host-1' } }));
  story.claim('lost-pinned', one, false);
  log.now += MINUTE;
  for (const job of [...policies.map((policy) => `lost-${policy}`), 'lost-poison', 'lost-again', 'lost-counted'])
    story.start(job);
  const lost = story.run('lost-rerun');
  log.now += 7_000;
  log.markFailed(one, two);
  for (const onOwnerLoss of policies) log.requeue(`lost-${onOwnerLoss}`, two);
  for (const job of ['lost-once', 'lost-again', 'lost-counted']) story.takeOver(job, two, 1);
  log.requeue('lost-pinned', null);
  story.takeOver('lost-poison', two, 1, 1);
  story.complete('lost-rerun', lost);
  log.now += 2 * MINUTE;
  for (const held of ['lost-hold', 'lost-once']) {
    story.job(held, { kind: 'ResolveHold', resolution: 'succeeded', ...story.asked });
  }
  story.job('lost-again', { kind: 'ResolveHold', resolution: 'retry', ...story.asked });
  story.job('lost-counted', { kind: 'ResolveHold', resolution: 'fail', ...story.asked });
  story.job('lost-poison', { kind: 'ReleaseFromQuarantine', ...story.asked });
  log.register(one, story.incarnation(), { reason: 'falselyFailed' });
  story.claim('lost-pinned', one, false);
  log.service(one, {
    kind: 'MarkServiceFailed',
    by: 'operator',
    commandId: log.commandId(),
    actor: 'ann',
    reason: 'the rack is off',
    confirmedDead: true,
    at: log.now,
  });
  log.requeue('lost-pinned', null);
  const bootId = 'b4c1d1f0-0000-4000-8000-000000000001';
  const identity = { pid: 7, bootId, pidNamespace: '4026531836', startTicks: '123456' };
  log.register(one, story.incarnation(), { process: identity });
}

/** Slots that are skipped, runs that are given up and jobs that are given away, for whatever reason is left. */
function otherEnds(story: Storyteller, one: string, two: string, three: string): void {
  const { log } = story;
  story.schedule('overlaps', definition());
  story.claim('overlaps', two, false);
  log.now += MINUTE;
  story.start('overlaps');
  log.now += 2 * MINUTE;
  story.complete('overlaps');
  log.now += MINUTE;
  const hourly = definition({ schedule: { kind: 'interval', everyMs: 60 * MINUTE, origin: null, ...bounds } });
  const definitionHash = JSON.stringify(hourly);
  story.job('overlaps', { kind: 'RescheduleJob', definition: hourly, definitionHash, ...story.asked });
  story.release('overlaps', 'ineligible', null);
  story.schedule('drained', definition());
  story.claim('drained', two, false);
  log.now += MINUTE;
  story.start('drained');
  story.abandon('drained', 'drain');
  story.schedule('ends-late', definition());
  story.claim('ends-late', two, false);
  log.now += MINUTE;
  story.start('ends-late');
  log.now += MINUTE;
  story.job('ends-late', { kind: 'CancelJob', mode: 'afterRun', ...story.asked });
  story.complete('ends-late');

  story.schedule('marked', definition());
  story.claim('marked', one, false);
  story.schedule('left', definition());
  story.claim('left', three, false);
  log.now += MINUTE;
  story.start('marked');
  const { slot, attempt } = story.start('left');
  const by = { by: 'operator', actor: 'ann', reason: 'the rack is off', confirmedDead: true } as const;
  log.service(one, { kind: 'MarkServiceFailed', ...by, commandId: log.commandId(), at: log.now });
  log.requeue('marked', two);
  const { incarnation } = log.live(three);
  const drain = { kind: 'StartDrain', reason: 'shutdown', commandId: log.commandId(), at: log.now } as const;
  log.service(three, drain);
  const back = { kind: 'ReassertService', incarnation, fencedForMs: 700, commandId: log.commandId() } as const;
  log.service(three, { ...back, at: log.now });
  const leftovers = [{ jobId: 'left', slot, attempt }];
  log.service(three, { kind: 'StopService', incarnation, leftovers, at: log.now });
  log.now += 6_000;
  log.requeue('left', two);
  log.register(one, story.incarnation());
}

/** Two owners die in a job, which is then started as the only suspect; another job is late where it is. */
function suspectAndLate(story: Storyteller, one: string, two: string, three: string): void {
  const { log } = story;
  log.register(three, story.incarnation());
  story.schedule('suspect', definition());
  story.claim('suspect', one, false);
  log.now += MINUTE;
  story.start('suspect');
  log.now += 7_000;
  log.markFailed(one, three);
  log.requeue('suspect', three);
  log.register(one, story.incarnation());
  log.now += 7_000;
  log.markFailed(three, one);
  log.requeue('suspect', one);
  story.complete('suspect');
  story.schedule('late', definition());
  story.claim('late', one, false);
  log.now += 2 * MINUTE;
  story.release('late', 'late', two);
  story.claim('late', two);
}

/** What a service had under way when a backup took the place of the log: it binds, and starts, for an incarnation that this log never registered. */
function lostLog(story: Storyteller, one: string, two: string): void {
  const { log } = story;
  for (const onOwnerLoss of ['rerun', 'fail', 'hold'] as const) {
    const jobId = ofTheLostLog[onOwnerLoss];
    story.schedule(jobId, definition({}, { onOwnerLoss }));
    log.now += MINUTE;
    const service = { ...log.live(one), incarnation: story.incarnation() };
    const why = log.why('claim', jobId, one);
    const viewPosition = log.view();
    story.job(jobId, { kind: 'BindJob', by: 'claim', service, viewPosition, why, start: true, ...story.common });
    log.now += 7_000;
    log.requeue(jobId, two);
    if (onOwnerLoss === 'rerun') story.complete(jobId);
  }
}

/** Slots that fall while another is in progress, by every policy; and an owner that is lost with several runs open. */
function overlapping(story: Storyteller, one: string, two: string): void {
  const { log } = story;
  const retry = { maxRetries: 1, initialMs: 10 * MINUTE, factor: 2, maxMs: 10 * MINUTE };
  story.schedule('queues', definition({}, { overlap: 'queue' }));
  story.schedule('replaces', definition({}, { overlap: 'replace', retry }));
  story.schedule('allows', definition({}, { overlap: { allow: 2 } }));
  story.schedule('allows-and-holds', definition({}, { overlap: { allow: 3 }, onOwnerLoss: 'hold' }));
  for (const job of ['queues', 'replaces', 'allows', 'allows-and-holds']) story.claim(job, two, false);
  log.now += MINUTE;
  for (const job of ['queues', 'replaces', 'allows', 'allows-and-holds']) story.start(job);
  log.now += MINUTE;
  story.abandon('replaces', 'replaced');
  for (const job of ['replaces', 'allows', 'allows-and-holds']) story.start(job);
  log.now += 2 * MINUTE;
  story.complete('queues');
  story.start('queues');
  story.skipStuck('replaces');
  story.fail('replaces');
  story.complete('allows');
  log.now += MINUTE;
  story.start('replaces');
  log.now += 7_000;
  log.markFailed(two, one);
  for (const job of ['queues', 'replaces', 'allows', 'allows-and-holds']) log.requeue(job, one);
  for (const resolution of ['retry', 'fail'] as const) {
    story.job('allows-and-holds', { kind: 'ResolveHold', resolution, ...story.asked });
  }
  log.register(two, story.incarnation());
}

/** Slots that nobody started in time, by every policy, and a window of the past that is made up for. */
function missed(story: Storyteller, owner: string): void {
  const { log } = story;
  const rule = { policy: 'all', run: 'latest', cap: 2, maxAgeMs: 4 * MINUTE, thresholdMs: 0, onResume: 'all' } as const;
  const policies: { readonly [name: string]: Misfire } = {
    skip: 'skip',
    earliest: { ...rule, policy: 'once', run: 'earliest', cap: 100, maxAgeMs: null, onResume: 'skip' },
    all: rule,
    'after-a-pause': { ...rule, policy: 'skip', maxAgeMs: null, thresholdMs: MINUTE, onResume: 'once' },
    'each-after-a-pause': 'all',
  };
  for (const [name, misfire] of Object.entries(policies)) {
    story.schedule(`missed-${name}`, definition({}, { misfire }));
    story.claim(`missed-${name}`, owner, false);
  }
  log.now += 6 * MINUTE + 1_000;
  for (const name of ['skip', 'earliest', 'all', 'each-after-a-pause']) story.start(`missed-${name}`);
  story.complete('missed-skip');
  const asked = { from: log.now - 3 * MINUTE, to: log.now, limit: 3 };
  story.job('missed-skip', { kind: 'BackfillJob', ...asked, ...story.asked });
  story.start('missed-skip');
  for (const name of ['earliest', 'all']) story.complete(`missed-${name}`);
  story.start('missed-all');
  for (const name of ['after-a-pause', 'all']) {
    story.job(`missed-${name}`, { kind: 'PauseJob', ...story.asked });
    log.now += 3 * MINUTE;
    story.job(`missed-${name}`, { kind: 'ResumeJob', ...story.asked }, name === 'all' ? 1 : undefined);
  }
  story.start('missed-after-a-pause');
}
