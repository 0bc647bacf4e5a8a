import { decode, encode } from '../codec';
import {
  absentService,
  currentIncarnation,
  decideService,
  evolveService,
  evolveUnreadableService,
  liveIncarnation,
} from './index';
import type {
  ObserverEvidence,
  ObserverMarksFailed,
  OperatorMarksFailed,
  RegisterService,
  ServiceCommand,
  ServiceDecision,
  ServiceEvent,
  ServiceState,
} from './index';

const at = Date.parse('2026-05-01T08:00:00.000Z');
const first = '0197e000-0000-7000-8000-000000000001';
const second = '0197e000-0000-7000-8000-000000000002';
const third = '0197e000-0000-7000-8000-000000000003';

const description = {
  serviceId: 'engine@host-1',
  labels: { host: 'host-1', name: 'engine' },
  capacity: { maxOwnedJobs: 100, maxConcurrentRuns: 4 },
  handlers: { audit: '1' },
  process: { pid: 4242, bootId: 'boot', pidNamespace: 'ns', startTicks: '77' },
  placementVersion: 1,
  zoneData: '2026a',
} as const;

const registered = (incarnation: string): ServiceEvent => ({
  type: 'ServiceRegistered',
  data: { ...description, incarnation, reason: 'start', at },
});
const silence: ObserverEvidence = {
  kind: 'silence',
  lastBeat: 12,
  silenceMs: 6_100,
  thresholdMs: 6_000,
  membershipPosition: '900',
};
const verdict = (incarnation: string): ServiceEvent => ({
  type: 'ServiceMarkedFailed',
  data: {
    serviceId: 'engine@host-1',
    incarnation,
    by: 'observer',
    observer: 'engine@host-2',
    observerIncarnation: third,
    evidence: silence,
    at,
  },
});
const mark = (incarnation: string, confirmedDead: boolean, commandId: string): ServiceEvent => ({
  type: 'ServiceMarkedFailed',
  data: {
    serviceId: 'engine@host-1',
    incarnation,
    by: 'operator',
    actor: 'ops',
    reason: 'smoke',
    confirmedDead,
    at,
    commandId,
  },
});
const drain = (incarnation: string): ServiceEvent => ({
  type: 'ServiceDrainStarted',
  data: { serviceId: 'engine@host-1', incarnation, reason: 'shutdown', at },
});
const stopped = (incarnation: string): ServiceEvent => ({
  type: 'ServiceStopped',
  data: {
    serviceId: 'engine@host-1',
    incarnation,
    leftovers: [{ jobId: 'long', slot: '2026-05-01T07:59:00.000Z', attempt: 1 }],
    at,
  },
});

const register = (incarnation: string, supersede: RegisterService['supersede'] = null): RegisterService => ({
  kind: 'RegisterService',
  ...description,
  incarnation,
  reason: 'start',
  supersede,
  at,
});
const judge = (incarnation: string, viewRevision: number, evidence = silence): ObserverMarksFailed => ({
  kind: 'MarkServiceFailed',
  by: 'observer',
  incarnation,
  observer: 'engine@host-2',
  observerIncarnation: third,
  evidence,
  viewRevision,
  at,
});
const operatorMark = (more: Partial<OperatorMarksFailed> = {}): OperatorMarksFailed => ({
  kind: 'MarkServiceFailed',
  by: 'operator',
  commandId: 'command-1',
  actor: 'ops',
  reason: 'smoke',
  confirmedDead: false,
  at,
  ...more,
});
const observation = (incarnation: string, viewRevision: number, evidence = silence) => ({
  incarnation,
  observer: 'engine@host-2',
  observerIncarnation: third,
  evidence,
  viewRevision,
});

/** Through text and back: what is folded is what a log can hold. */
const read = (event: ServiceEvent): ServiceEvent => {
  const { type, data, schemaVersion } = encode(event);
  const decoded = decode(type, data, JSON.stringify({ schemaVersion }));
  expect(decoded).toEqual(event);
  return decoded as ServiceEvent;
};
const fold = (...events: readonly ServiceEvent[]): ServiceState =>
  events.reduce(
    (state, event, revision) => evolveService(state, read(event), revision),
    absentService('engine@host-1'),
  );
const given = (...events: readonly ServiceEvent[]) => ({
  when: (command: ServiceCommand): ServiceDecision => {
    const decision = decideService(fold(...events), command);
    return decision.ok ? { ...decision, events: decision.events.map(read) } : decision;
  },
});
const appends = (...events: readonly ServiceEvent[]): ServiceDecision => ({ ok: true, events });
const nothing = appends();
const refuses = (code: string) => ({ ok: false, refusal: expect.objectContaining({ code }) as unknown });

describe('registering', () => {
  it('starts on an empty stream', () => {
    expect(given().when(register(first))).toEqual(appends(registered(first)));
  });
  it('starts after the former incarnation has stopped, and after it was marked failed', () => {
    expect(given(registered(first), stopped(first)).when(register(second))).toEqual(appends(registered(second)));
    expect(given(registered(first), verdict(first)).when(register(second))).toEqual(appends(registered(second)));
  });
  it('is refused while another incarnation lives, naming its process', () => {
    const decision = given(registered(first)).when(register(second));
    expect(decision).toEqual(refuses('service-alive'));
    expect(decision).toMatchObject({ refusal: { rule: expect.stringMatching(/4242.*engine.*host-1/) as unknown } });
    expect(given(registered(first), drain(first)).when(register(second))).toEqual(refuses('service-alive'));
  });
  it('ends a silent one in the same append', () => {
    expect(given(registered(first)).when(register(second, observation(first, 0)))).toEqual(
      appends(verdict(first), registered(second)),
    );
  });
  it('ends one whose process is provably gone, whatever the silence', () => {
    const proof: ObserverEvidence = { ...silence, kind: 'processGone', silenceMs: 0 };
    expect(given(registered(first)).when(register(second, observation(first, 0, proof)))).toMatchObject({
      ok: true,
      events: [
        { type: 'ServiceMarkedFailed', data: { incarnation: first, evidence: proof } },
        { type: 'ServiceRegistered', data: { incarnation: second } },
      ],
    });
  });
  it('does not end one with evidence against another, too short, or seen at another revision', () => {
    expect(
      given(registered(first), stopped(first), registered(second)).when(register(third, observation(first, 2))),
    ).toEqual(refuses('service-alive'));
    const short = { ...silence, silenceMs: 5_999 };
    expect(given(registered(first)).when(register(second, observation(first, 0, short)))).toEqual(
      refuses('evidence-insufficient'),
    );
    const reasserted: ServiceEvent = {
      type: 'ServiceReasserted',
      data: { serviceId: 'engine@host-1', incarnation: first, fencedForMs: 9, at },
    };
    expect(given(registered(first), reasserted).when(register(second, observation(first, 0)))).toEqual(
      refuses('evidence-outdated'),
    );
  });
  it('does not judge again one that has ended meanwhile', () => {
    expect(given(registered(first), stopped(first)).when(register(second, observation(first, 0)))).toEqual(
      appends(registered(second)),
    );
  });
  it('adds nothing for the incarnation that lives already, and never revives one that has ended', () => {
    expect(given(registered(first)).when(register(first))).toEqual({ ...nothing, knownRevision: 0 });
    expect(given(registered(first), verdict(first)).when(register(first))).toEqual(refuses('incarnation-failed'));
    expect(given(registered(first), stopped(first)).when(register(first))).toEqual(refuses('incarnation-stopped'));
  });
  it('is refused in the stream of another service', () => {
    expect(given().when({ ...register(first), serviceId: 'engine@host-9' })).toEqual(refuses('service-mismatch'));
  });
});

describe('reasserting', () => {
  const reassert = (incarnation: string) => ({ kind: 'ReassertService', incarnation, fencedForMs: 700, at }) as const;
  const event = (incarnation: string): ServiceEvent => ({
    type: 'ServiceReasserted',
    data: { serviceId: 'engine@host-1', incarnation, fencedForMs: 700, at },
  });
  it('returns a fenced incarnation, draining or not, and changes nothing else', () => {
    expect(given(registered(first)).when(reassert(first))).toEqual(appends(event(first)));
    expect(given(registered(first), drain(first)).when(reassert(first))).toEqual(appends(event(first)));
    expect(fold(registered(first), drain(first), event(first)).incarnations).toEqual(
      fold(registered(first), drain(first)).incarnations,
    );
  });
  it('adds nothing when it is sent again after an unknown outcome; another return is another fact', () => {
    const asked = { ...reassert(first), commandId: 'return-1' };
    const landed = { ...event(first), data: { ...event(first).data, commandId: 'return-1' } } as ServiceEvent;
    expect(given(registered(first)).when(asked)).toEqual(appends(landed));
    expect(given(registered(first), landed).when({ ...asked, at: at + 900 })).toEqual({
      ok: true,
      events: [],
      knownRevision: 1,
    });
    const another = { ...landed, data: { ...landed.data, commandId: 'return-2' } } as ServiceEvent;
    expect(given(registered(first), landed).when({ ...asked, commandId: 'return-2' })).toEqual(appends(another));
  });
  it('is refused once it has ended, also when another lives', () => {
    expect(given(registered(first), verdict(first)).when(reassert(first))).toEqual(refuses('incarnation-failed'));
    expect(given(registered(first), stopped(first)).when(reassert(first))).toEqual(refuses('incarnation-stopped'));
    expect(given(registered(first), verdict(first), registered(second)).when(reassert(first))).toEqual(
      refuses('incarnation-failed'),
    );
  });
  it('is refused for an unknown incarnation and an unknown service', () => {
    expect(given(registered(first)).when(reassert(second))).toEqual(refuses('incarnation-unknown'));
    expect(given().when(reassert(first))).toEqual(refuses('service-unknown'));
  });
});

describe("an observer's verdict", () => {
  it('marks the incarnation at the revision of the evidence', () => {
    expect(given(registered(first)).when(judge(first, 0))).toEqual(appends(verdict(first)));
    expect(given(registered(first), drain(first)).when(judge(first, 1))).toEqual(appends(verdict(first)));
  });
  it('is dropped when the stream has moved, or the view is ahead', () => {
    expect(given(registered(first), drain(first)).when(judge(first, 0))).toEqual(refuses('evidence-outdated'));
    expect(given(registered(first)).when(judge(first, 1))).toEqual(refuses('evidence-outdated'));
  });
  it('needs a silence as long as its threshold', () => {
    expect(given(registered(first)).when(judge(first, 0, { ...silence, silenceMs: 5_999 }))).toEqual(
      refuses('evidence-insufficient'),
    );
    expect(given(registered(first)).when(judge(first, 0, { ...silence, silenceMs: NaN }))).toEqual(
      refuses('evidence-insufficient'),
    );
  });
  it('adds nothing to a failed one and is refused on a stopped one', () => {
    expect(given(registered(first), verdict(first)).when(judge(first, 1))).toEqual(nothing);
    expect(given(registered(first), stopped(first)).when(judge(first, 1))).toEqual(refuses('incarnation-stopped'));
  });
});

describe("an operator's mark", () => {
  it('marks the newest incarnation, or the one it names', () => {
    expect(given(registered(first)).when(operatorMark())).toEqual(appends(mark(first, false, 'command-1')));
    expect(given(registered(first), verdict(first), registered(second)).when(operatorMark())).toEqual(
      appends(mark(second, false, 'command-1')),
    );
    expect(
      given(registered(first), verdict(first), registered(second)).when(
        operatorMark({ incarnation: first, confirmedDead: true }),
      ),
    ).toEqual(appends(mark(first, true, 'command-1')));
  });
  it('adds nothing to a failed one, unless it adds that the process is dead, once', () => {
    const marked = [registered(first), mark(first, false, 'command-0')] as const;
    expect(given(...marked).when(operatorMark())).toEqual(nothing);
    expect(given(...marked).when(operatorMark({ confirmedDead: true }))).toEqual(
      appends(mark(first, true, 'command-1')),
    );
    expect(
      given(...marked, mark(first, true, 'command-1')).when(
        operatorMark({ confirmedDead: true, commandId: 'command-2' }),
      ),
    ).toEqual(nothing);
  });
  it('adds nothing for a known command, though another incarnation lives now', () => {
    expect(given(registered(first), mark(first, false, 'command-1'), registered(second)).when(operatorMark())).toEqual({
      ...nothing,
      knownRevision: 1,
    });
  });
  it('is refused on a stopped one, an unknown incarnation and an unknown service', () => {
    expect(given(registered(first), stopped(first)).when(operatorMark())).toEqual(refuses('incarnation-stopped'));
    expect(given(registered(first)).when(operatorMark({ incarnation: second }))).toEqual(
      refuses('incarnation-unknown'),
    );
    expect(given().when(operatorMark())).toEqual(refuses('service-unknown'));
  });
});

describe('draining', () => {
  const startDrain = { kind: 'StartDrain', reason: 'shutdown', at } as const;
  it('starts once', () => {
    expect(given(registered(first)).when({ ...startDrain, incarnation: first })).toEqual(appends(drain(first)));
    expect(given(registered(first), drain(first)).when(startDrain)).toEqual(nothing);
  });
  it('on request carries the command, and the same request adds nothing', () => {
    const asked = { ...startDrain, commandId: 'command-7' };
    const event = { ...drain(first), data: { ...drain(first).data, commandId: 'command-7' } } as ServiceEvent;
    expect(given(registered(first)).when(asked)).toEqual(appends(event));
    expect(given(registered(first), event, stopped(first), registered(second)).when(asked)).toEqual({
      ...nothing,
      knownRevision: 1,
    });
  });
  it('is refused once the incarnation has ended, and for an unknown service', () => {
    expect(given(registered(first), verdict(first)).when(startDrain)).toEqual(refuses('incarnation-failed'));
    expect(given(registered(first), stopped(first)).when(startDrain)).toEqual(refuses('incarnation-stopped'));
    expect(given().when(startDrain)).toEqual(refuses('service-unknown'));
  });
});

describe('stopping', () => {
  const stop = (incarnation: string) =>
    ({
      kind: 'StopService',
      incarnation,
      leftovers: [{ jobId: 'long', slot: '2026-05-01T07:59:00.000Z', attempt: 1 }],
      at,
    }) as const;
  it('ends the incarnation, drained or not, naming what still ran', () => {
    expect(given(registered(first)).when(stop(first))).toEqual(appends(stopped(first)));
    expect(given(registered(first), drain(first)).when(stop(first))).toEqual(appends(stopped(first)));
    expect(currentIncarnation(fold(registered(first), stopped(first)))).toMatchObject({
      life: 'stopped',
      leftovers: ['long'],
      endedRevision: 1,
    });
  });
  it('twice adds nothing; a failed one cannot stop', () => {
    expect(given(registered(first), stopped(first)).when(stop(first))).toEqual(nothing);
    expect(given(registered(first), verdict(first)).when(stop(first))).toEqual(refuses('incarnation-failed'));
    expect(given(registered(first)).when(stop(second))).toEqual(refuses('incarnation-unknown'));
  });
});

describe('a stream with an event that cannot be read', () => {
  const unreadable = evolveUnreadableService(fold(registered(first)), {
    revision: 1,
    type: 'ServiceTeleported',
    why: 'unknown type',
  });
  it.each<ServiceCommand>([
    register(second),
    { kind: 'ReassertService', incarnation: first, fencedForMs: 1, at },
    judge(first, 1),
    operatorMark(),
    { kind: 'StartDrain', reason: 'x', at },
    { kind: 'StopService', incarnation: first, leftovers: [], at },
  ])('refuses $kind', (command) => {
    expect(decideService(unreadable, command)).toEqual(refuses('service-unreadable'));
    expect(unreadable.revision).toBe(1);
  });
  it('goes on being shown, and names the first such event', () => {
    const later = evolveUnreadableService(evolveService(unreadable, drain(first), 2), {
      revision: 3,
      type: 'Other',
      why: 'x',
    });
    expect(later).toMatchObject({ revision: 3, unreadable: { revision: 1, type: 'ServiceTeleported' } });
    expect(liveIncarnation(later)?.life).toBe('draining');
  });
});

describe('the fold', () => {
  it('keeps the first end of an incarnation, and orders incarnations by registration', () => {
    const state = fold(
      registered(second),
      verdict(second),
      mark(second, true, 'c'),
      registered(first),
      stopped(second),
    );
    expect(state.incarnations.map((one) => one.incarnation)).toEqual([second, first]);
    expect(state.incarnations[0]).toMatchObject({
      life: 'failed',
      failedBy: 'observer',
      confirmedDead: true,
      endedRevision: 1,
    });
    expect(currentIncarnation(state)?.incarnation).toBe(first);
  });
  it('remembers the last 64 commands', () => {
    const marks = Array.from({ length: 70 }, (_, n) => mark(first, true, `c-${n}`));
    const { commands } = fold(registered(first), ...marks);
    expect(commands).toHaveLength(64);
    expect(commands[0]).toEqual({ id: 'c-6', revision: 7, at });
  });
});
