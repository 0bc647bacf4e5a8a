import { decode, encode } from '../../src/domain/codec';
import { absentJob, closeBooks, evolve, type JobEvent, type JobRecord, type JobState } from '../../src/domain/job';
import type { RecordedEvent } from '../../src/event-store';
import { definition, healthyLog, incarnations } from './healthy-log';
import { check, logged, quarantine, Recorder, renumber, zoneData } from './recorder';
import { tamperings } from './tampering';

const first = (events: readonly RecordedEvent[], namespace = '') => check(events, namespace)[0];

describe('a healthy log', () => {
  it('breaks nothing', () => {
    expect(check(healthyLog().events)).toEqual([]);
  });
  it('breaks nothing in a namespace; streams outside it are not judged', () => {
    const spaced = healthyLog().events.map((event) => ({ ...event, stream: `acme.${event.stream}` }));
    expect(check(spaced, 'acme')).toEqual([]);
    const broken = spaced.filter((event) => event.type !== 'JobScheduled');
    expect(check(broken, 'acme')).not.toEqual([]);
    expect(check(broken, 'other')).toEqual([]);
  });
});

describe('a tampered log', () => {
  it.each(tamperings)('$what is reported as $invariant, with its event', ({ tamper, invariant, words }) => {
    const { events, broken } = tamper();
    expect(first(events)).toMatchObject({ invariant, ...broken, words: expect.stringMatching(words) as unknown });
    const event = events.find(({ stream, revision }) => stream === broken.stream && revision === broken.revision);
    expect(first(events)).toMatchObject({ eventId: event?.id, position: event?.position });
  });
  it('shows no payload', () => {
    const all = tamperings.flatMap(({ tamper }) => check(tamper().events));
    expect(all.map(({ words }) => words).join()).not.toContain('secret');
  });
});

describe('the order of the log', () => {
  const { events } = healthyLog();
  it('reports a missing event, also at the beginning, but not of beats', () => {
    const without = (type: string) => events.filter((event) => event.type !== type);
    const refused = events.find((event) => event.type === 'JobRunOutcomeRefused');
    expect(first(without('JobRunOutcomeRefused'))).toMatchObject({
      invariant: 'log',
      revision: (refused?.revision ?? 0) + 1,
      words: expect.stringMatching(/events are missing/) as unknown,
    });
    expect(first(events.filter((event) => event.stream !== 'job-single' || event.revision !== 0))).toMatchObject({
      invariant: 'log',
      stream: 'job-single',
      words: expect.stringMatching(/begins at revision 1/) as unknown,
    });
    const trimmed = events.filter((event) => event.type !== 'ServiceHeartbeat' || event.revision !== 0);
    expect(check(trimmed)).toEqual([]);
  });
  it('reports positions that do not increase', () => {
    const [a, b, ...rest] = events;
    expect(first([b, a, ...rest])).toMatchObject({ invariant: 'log', eventId: a.id });
  });
  it('tells ids apart that were made in the same minute and end alike', () => {
    // As those of heartbeats are: UUIDv7, whose first half is the time.
    const ids = ['019b76e3-c9b3-7593-83ce-d892e7000451', '019b76e3-d9b3-7593-83ce-d892e8000451'];
    const two = events.filter(({ stream }) => stream === 'job-long').slice(0, 2);
    const named = events.map((event) => (two.includes(event) ? { ...event, id: ids[two.indexOf(event)] } : event));
    expect(check(named)).toEqual([]);
  });
  it('reports an event id that stands twice in a stream', () => {
    const same = events.map((event) =>
      event.stream === 'job-long' && event.revision === 2 ? { ...event, id: events[7].id } : event,
    );
    expect(events[7].stream).toBe('job-long');
    expect(first(same)).toMatchObject({ invariant: 'log', stream: 'job-long', revision: 2 });
  });
  it('reports an event in a stream of another kind', () => {
    const moved = events.map((event) => (event.type === 'JobCompleted' ? { ...event, type: 'ServiceStopped' } : event));
    expect(check(moved)).toEqual([]); // Not readable as ServiceStopped: not judged.
    const beat = events.find((event) => event.type === 'ServiceHeartbeat');
    const astray = events.map((event) =>
      event.type === 'JobCompleted' ? { ...event, type: 'ServiceHeartbeat', data: beat?.data ?? '' } : event,
    );
    expect(first(astray)).toMatchObject({ invariant: 'log', stream: 'job-single' });
  });
});

describe('time', () => {
  it('reports a first attempt more than five seconds before its slot, by the clock of the log', () => {
    const { events } = healthyLog();
    const early = (ms: number) =>
      events.map((event) => {
        if (event.stream !== 'job-long' || event.type !== 'JobRunStarted') return event;
        const { slot, attempt } = JSON.parse(event.data) as { slot: string; attempt: number };
        return attempt === 1 ? { ...event, created: Date.parse(slot) - ms } : event;
      });
    expect(check(early(5_000))).toEqual([]);
    expect(first(early(5_001))).toMatchObject({ invariant: 'I12', stream: 'job-long', revision: 2 });
  });
});

describe('jitter', () => {
  it('moves the time before which a slot is not to be started', () => {
    const { events } = healthyLog();
    const delayed = (ms: number) =>
      events.map((event) => {
        if (event.stream !== 'job-long' || event.revision > 2) return event;
        const data = JSON.parse(event.data) as { nextSlot?: string; slot?: string };
        if (event.revision === 0) {
          const nextDueAt = Date.parse(data.nextSlot ?? '') + 20_000;
          return { ...event, data: JSON.stringify({ ...data, nextDueAt }) };
        }
        return event.type === 'JobRunStarted'
          ? { ...event, created: Date.parse(data.slot ?? '') + 20_000 - ms }
          : event;
      });
    expect(check(delayed(5_000))).toEqual([]);
    expect(first(delayed(5_001))).toMatchObject({ invariant: 'I12', stream: 'job-long', revision: 2 });
  });
});

describe('an event that cannot be read', () => {
  it('ends the judgement of its job, of no other, and breaks nothing by itself', () => {
    const swapped = tamperings[0].tamper().events;
    const unreadable = swapped.map((event) =>
      event.stream === 'job-long' && event.revision === 0 ? { ...event, type: 'JobTeleported' } : event,
    );
    expect(check(unreadable)).toEqual([]);
    const { events } = tamperings.find(({ what }) => what === 'an open run in a completed job')!.tamper();
    const other = events.map((event) =>
      event.stream === 'job-long' && event.revision === 0 ? { ...event, type: 'JobTeleported' } : event,
    );
    expect(check(other).map(({ stream }) => stream)).toEqual(['job-single']);
  });
});

describe('closed books', () => {
  const closed = () => {
    const log = new Recorder();
    log.register('engine@host-1', incarnations.one);
    log.schedule('j', definition());
    log.claim('j', 'engine@host-1');
    log.now += 60_000;
    const { ownership, epoch } = log.record('j');
    if (ownership.kind !== 'bound') throw new Error('unbound');
    const { serviceId, incarnation } = ownership;
    log.job('j', { kind: 'StartRun', serviceId, incarnation, epoch, at: log.now, zoneData: '2026a' }, 2);
    expect(log.events.at(-1)?.type).toBe('JobBooksClosed');
    log.complete('j');
    return log.events;
  };
  const lying = (change: Partial<JobRecord>) =>
    closed().map((event) => {
      if (event.type !== 'JobBooksClosed') return event;
      const data = JSON.parse(event.data) as { state: JobRecord };
      return { ...event, data: JSON.stringify({ ...data, state: { ...data.state, ...change } }) };
    });
  it('say what the events before them add up to', () => {
    expect(check(closed())).toEqual([]);
    for (const change of [
      { epoch: 2 },
      { inProgress: [] },
      { nextSlot: null },
      { paused: true },
      { accountedThrough: 5 },
    ]) {
      expect(first(lying(change))).toMatchObject({
        invariant: 'transition',
        stream: 'job-j',
        revision: 3,
        words: expect.stringMatching(/JobBooksClosed says/) as unknown,
      });
    }
  });
  it('carry the commands that were before them: one that is sent again adds nothing', () => {
    const log = new Recorder();
    log.schedule('j', definition());
    const common = { at: log.now, zoneData, reason: 'asked' };
    log.job('j', { kind: 'PauseJob', commandId: 'pause', ...common });
    log.job('j', { kind: 'ResumeJob', commandId: 'resume', ...common }, 2);
    const { events } = log;
    expect(events.at(-1)?.type).toBe('JobBooksClosed');
    const books = events.at(-1)!;
    const again = (commandId: string) => {
      const pause = events.find(({ type }) => type === 'JobPaused')!;
      const data = JSON.stringify({ ...(JSON.parse(pause.data) as object), commandId });
      const id = '00000000-0000-4000-8000-000000000001';
      return [books, { ...pause, id, data, revision: books.revision + 1, position: books.position + 1n }];
    };
    expect(check(again('another'))).toEqual([]);
    expect(check(again('pause'))).toMatchObject([
      {
        invariant: 'I6',
        words: expect.stringMatching(/by command pause, which has added its events at revision 1/) as unknown,
      },
    ]);
  });
  it('carry what follows when history was cut off before them', () => {
    const cut = closed().filter((event) => event.stream !== 'job-j' || event.revision >= 3);
    expect(check(cut)).toEqual([]);
    const [last] = cut.slice(-1);
    const foreign = { ...last, data: JSON.stringify({ ...(JSON.parse(last.data) as object), epoch: 7 }) };
    expect(first([...cut.slice(0, -1), foreign])).toMatchObject({ invariant: 'I3' });
  });
});

/** The log with a copy of `event`, with other data, behind `after`; and what is found in it. */
function findIn(events: readonly RecordedEvent[], after: RecordedEvent, event: RecordedEvent, data: object = {}) {
  const id = '00000000-0000-4000-8000-000000000001';
  const copy = { ...event, id, data: JSON.stringify({ ...(JSON.parse(event.data) as object), ...data }) };
  return check(renumber(events.flatMap((one) => (one === after ? [one, copy] : [one]))));
}

describe('quarantine', () => {
  const asap = definition({ schedule: { kind: 'once', at: 'asap', start: null, end: null, maxRuns: null } });
  /** Three owners die in the job. */
  const quarantined = () => {
    const log = new Recorder();
    log.register('engine@host-1', incarnations.one);
    log.register('engine@host-2', incarnations.two);
    log.schedule('poison', asap);
    log.claim('poison', 'engine@host-1');
    const lives = ['engine@host-1', 'engine@host-2', 'engine@host-1'];
    for (const [n, dies] of lives.entries()) {
      const survivor = dies === 'engine@host-1' ? 'engine@host-2' : 'engine@host-1';
      log.now += 7_000;
      log.markFailed(dies, survivor);
      log.requeue('poison', survivor);
      log.register(dies, `0172c000-0000-7000-8000-00000000010${n}`);
    }
    const { events } = log;
    const of = (type: string) => events.findLast((event) => event.stream === 'job-poison' && event.type === type)!;
    return { log, events, of };
  };
  it('breaks nothing, nor does what follows the release from it', () => {
    const { log, events, of } = quarantined();
    expect(of('JobQuarantined').position).toBeGreaterThan(of('JobRequeued').position);
    expect(check(events)).toEqual([]);
    const asked = { commandId: log.commandId(), reason: 'mended', at: log.now, zoneData };
    log.job('poison', { kind: 'ReleaseFromQuarantine', ...asked });
    log.claim('poison', 'engine@host-2');
    expect(events.at(-1)?.type).toBe('JobRunStarted');
    expect(check(events)).toEqual([]);
  });
  it('reports a binding and a start of a quarantined job', () => {
    const { events, of } = quarantined();
    const bound = of('JobBoundToService');
    const { epoch } = JSON.parse(bound.data) as { epoch: number };
    const found = findIn(events, of('JobQuarantined'), bound, { epoch: epoch + 1 });
    expect(found).toMatchObject([
      { invariant: 'transition', words: expect.stringMatching(/^A quarantined job is bound/) as unknown },
    ]);
    const started = findIn(events, of('JobQuarantined'), of('JobRunStarted'), { attempt: 4 });
    expect(started).toContainEqual(
      expect.objectContaining({
        invariant: 'transition',
        words: expect.stringMatching(/in a quarantined job/) as unknown,
      }),
    );
  });
  it('reports one of a job that is owned, that runs, or that is quarantined already; and a release from none', () => {
    const { log, events, of } = quarantined();
    const [quarantine, bound, started] = [of('JobQuarantined'), of('JobBoundToService'), of('JobRunStarted')];
    expect(findIn(events, bound, quarantine)[0]).toMatchObject({
      words: 'JobQuarantined, but the job is live and owned.',
    });
    expect(findIn(events, started, quarantine).map(({ words }) => words)).toContainEqual(
      expect.stringMatching(/^JobQuarantined while attempt 3 .* is open/),
    );
    expect(findIn(events, quarantine, quarantine)).toMatchObject([
      { words: 'JobQuarantined, but the job is quarantined.' },
    ]);
    log.job('poison', {
      kind: 'ReleaseFromQuarantine',
      commandId: log.commandId(),
      reason: 'x',
      at: log.now,
      zoneData,
    });
    const release = of('JobReleasedFromQuarantine');
    expect(findIn(events, release, release, { commandId: 'another' })).toMatchObject([
      { words: 'JobReleasedFromQuarantine, but the job is live.' },
    ]);
  });
});

describe('suspects', () => {
  const once = definition({ schedule: { kind: 'once', at: 'asap', start: null, end: null, maxRuns: null } });
  /** Two owners have died in each of the jobs; the third runs `first` as the only suspect, and says of `second` what is asked. */
  const twoSuspects = (claims: { readonly apart?: boolean; readonly done?: boolean }) => {
    const log = new Recorder();
    log.register('engine@host-1', incarnations.one);
    log.register('engine@host-2', incarnations.two);
    for (const job of ['first', 'second']) {
      log.schedule(job, once);
      log.claim(job, 'engine@host-1');
    }
    log.now += 7_000;
    log.markFailed('engine@host-1', 'engine@host-2');
    for (const job of ['first', 'second']) log.requeue(job, 'engine@host-2');
    log.register('engine@host-1', incarnations.oneAgain);
    log.register('engine@host-3', incarnations.three);
    log.now += 7_000;
    log.markFailed('engine@host-2', 'engine@host-1');
    log.requeue('first', 'engine@host-1');
    log.requeue('second', claims.apart ? 'engine@host-3' : 'engine@host-1', false);
    const { ownership, epoch } = log.record('second');
    if (ownership.kind !== 'bound') throw new Error('unbound');
    const { serviceId, incarnation } = ownership;
    if (claims.done) log.complete('first');
    const start = {
      kind: 'StartRun',
      serviceId,
      incarnation,
      epoch,
      soleSuspect: true,
      at: log.now,
      zoneData,
    } as const;
    log.job('second', start);
    return log.events;
  };

  it('that run in one process at the same time are reported, with the later start', () => {
    const events = twoSuspects({});
    const start = events.findLast(({ type }) => type === 'JobRunStarted')!;
    expect(start.stream).toBe('job-second');
    expect(check(events)).toEqual([
      expect.objectContaining({
        invariant: '5.11',
        stream: 'job-second',
        revision: start.revision,
        words: expect.stringMatching(
          /as the only suspect of its process, where attempt 3 .* of the suspect first is open/,
        ) as unknown,
      }),
    ]);
  });
  it('one after the other are as it should be, and so are two in two processes', () => {
    expect(check(twoSuspects({ done: true }))).toEqual([]);
    const apart = twoSuspects({ apart: true });
    expect(apart.filter(({ data }) => data.includes('soleSuspect'))).toHaveLength(2);
    expect(check(apart)).toEqual([]);
  });
  it('are known from closed books, where what was before was cut off', () => {
    const events = twoSuspects({});
    const first = events.filter(({ stream }) => stream === 'job-first');
    const state = first.reduce<JobState>((folded, { type, data, metadata, revision }) => {
      return evolve(folded, decode(type, data, metadata) as JobEvent, revision);
    }, absentJob);
    const books = closeBooks(state, 1)!;
    const cut = events.flatMap((event) => {
      if (event.stream !== 'job-first') return [event];
      if (event !== first.at(-1)) return [];
      const { type, data, schemaVersion } = encode(books);
      return [{ ...event, revision: event.revision + 1, type, data, metadata: JSON.stringify({ schemaVersion }) }];
    });
    expect(check(cut).map(({ invariant, stream }) => [invariant, stream])).toEqual([['5.11', 'job-second']]);
  });
  it('are not judged where an event of the other job cannot be read: it may have ended its run', () => {
    const events = twoSuspects({});
    const start = events.findLast(({ type }) => type === 'JobRunStarted')!;
    const last = events.findLast(({ stream }) => stream === 'job-first')!;
    const torn = {
      ...last,
      revision: last.revision + 1,
      type: 'JobTeleported',
      id: `${last.id.slice(0, 35)}${last.id.endsWith('0') ? '1' : '0'}`,
    };
    const among = events.flatMap((event) => (event === start ? [torn, event] : [event]));
    expect(check(among.map((event, n) => ({ ...event, position: BigInt(n + 1) })))).toEqual([]);
  });
});

describe('an owner that nothing in the log registers', () => {
  const [one, two] = ['engine@host-1', 'engine@host-2'];
  const asap = { kind: 'once', at: 'asap', start: null, end: null, maxRuns: null } as const;
  type Loss = 'rerun' | 'fail' | 'hold';
  /** A claim by a log that is lost binds the job, and starts it; it is requeued. `registered`: the log gets to know the owner after all, at that moment. */
  const lost = (onOwnerLoss: Loss, registered: 'unseen' | 'seen' | null = null) => {
    const log = new Recorder();
    log.register(two, incarnations.two);
    log.schedule('j', definition({ schedule: asap }, { onOwnerLoss, overlap: { allow: 2 } }));
    const service = { ...log.live(two), serviceId: one, incarnation: incarnations.one };
    const why = log.why('claim', 'j', two);
    const common = { at: log.now, zoneData };
    log.job('j', { kind: 'BindJob', by: 'claim', service, viewPosition: log.view(), why, start: true, ...common });
    log.job('j', { kind: 'RequestRun', commandId: log.commandId(), reason: 'asked', ...common });
    log.startRun('j');
    const before = log.view();
    if (registered !== null) log.register(one, incarnations.one);
    log.now += 7_000;
    const to = { service: log.live(two), why: log.why('requeue', 'j', two), start: true };
    log.job('j', {
      kind: 'RequeueJob',
      gone: { serviceId: one, incarnation: incarnations.one, cause: 'unregistered' },
      to,
      nobody: null,
      viewPosition: registered === 'unseen' ? before : log.view(),
      quarantine,
      at: log.now,
      zoneData,
    });
    const all = (type: string) => log.events.filter((event) => event.stream === 'job-j' && event.type === type);
    expect([all('JobRunAbandoned').length, all('JobRequeued').length]).toEqual([2, 1]);
    expect(log.events.map(logged).filter(({ event }) => event.type === '$unreadable')).toEqual([]);
    const without = (type: string) => check(renumber(log.events.filter((event) => !all(type).includes(event))));
    const changed = (type: string, data: object) =>
      check(
        log.events.map((event) => {
          if (!all(type).includes(event)) return event;
          return { ...event, data: JSON.stringify({ ...(JSON.parse(event.data) as object), ...data }) };
        }),
      );
    return { log, all, without, changed };
  };
  const told = (violations: ReturnType<typeof check>) => violations.map(({ invariant, words }) => [invariant, words]);
  const binding = ['I4', expect.stringMatching(/where that incarnation was not registered\.$/) as unknown];
  const losses: readonly Loss[] = ['rerun', 'fail', 'hold'];

  it.each(losses)('is reported for its binding (I4) and for nothing else: %s', (policy) => {
    expect(told(check(lost(policy).log.events))).toEqual([binding]);
    expect(told(check(lost(policy, 'unseen').log.events))).toEqual([binding]);
  });
  it.each(losses)('is none when its registration was in the view of whoever requeues: %s', (policy) => {
    const { log, all } = lost(policy, 'seen');
    const found = check(log.events);
    expect(told(found)).toEqual([
      binding,
      ['transition', expect.stringMatching(/as unregistered .*, but it was registered at position \d+\.$/)],
    ]);
    expect(found[1].eventId).toBe(all('JobRequeued')[0].id);
  });
  it.each(losses)('is none for a requeue that calls it failed: %s', (policy) => {
    const words = told(lost(policy).changed('JobRequeued', { cause: 'failed' }))
      .slice(1)
      .map(String);
    expect(words).toContainEqual(expect.stringMatching(/JobRequeued .* as failed .*no fact of the log says/));
    const runs = words.filter((one) => one.endsWith('as ownerUnregistered, but JobRequeued says failed.'));
    expect([words.length, runs.length]).toEqual(policy === 'rerun' ? [3, 2] : [1, 0]);
  });
  it.each(['ownerFailed', 'ownerStopped', 'ownerMarked'])('is none for runs that are given up as %s', (reason) => {
    const words = told(lost('rerun').changed('JobRunAbandoned', { reason })).slice(1).map(String);
    expect(words).toHaveLength(2);
    for (const one of words) expect(one).toMatch(/as owner\w+, but no fact of the log says/);
  });
  it('is not known by a view that lies behind the requeue itself', () => {
    expect(told(lost('rerun').changed('JobRequeued', { viewPosition: '1000' }))).toContainEqual([
      'transition',
      expect.stringMatching(
        /JobRequeued .* as unregistered at view position 1000, which is not before the event itself/,
      ),
    ]);
  });
  it.each(losses)('has lost no run without a requeue that says so: %s', (policy) => {
    const { log, all, without } = lost(policy);
    const words = told(without('JobRequeued')).map(String);
    const runs = words.filter((one) =>
      /follows JobRunAbandoned .*, and no JobRequeued says why its owner is gone/.test(one),
    );
    expect(runs).toHaveLength(2);
    const end = log.events.findIndex((event) => event === all('JobRunAbandoned')[1]);
    const cut = check(log.events.slice(0, end + 1));
    expect(told(cut).slice(1)).toEqual(
      all('JobRunAbandoned').map(() => [
        'transition',
        expect.stringMatching(/^JobRunAbandoned .*, and no JobRequeued/),
      ]),
    );
    expect(cut.slice(1).map(({ eventId }) => eventId)).toEqual(all('JobRunAbandoned').map(({ id }) => id));
  });
  it.each(losses)('is not judged where an event of its service cannot be read: %s', (policy) => {
    const { log } = lost(policy);
    const [first] = log.events;
    const torn = { ...first, stream: `service-${one}`, type: 'ServiceTeleported', id: log.commandId() };
    expect(check(renumber([torn, ...log.events]))).toEqual([]);
  });
});

describe('the end of the log', () => {
  it('reports a requeue that nothing follows', () => {
    const { events } = healthyLog();
    const until = events.findIndex((event) => event.type === 'JobRequeued');
    expect(check(events.slice(0, until + 1))).toEqual([
      expect.objectContaining({ invariant: 'transition', stream: 'job-long', eventId: events[until].id }),
    ]);
  });
});
