import { SeededRandom, VirtualClock } from '../../src/clock';
import { MemoryEventStore } from '../../src/event-store';
import { showWhy } from '../../src/cli/why';
import { definition, incarnations } from '../audit/healthy-log';
import { Recorder, zoneData } from '../audit/recorder';
import { objects } from './installation';

const [one, two] = ['engine@host-1', 'engine@host-2'];

interface Why {
  readonly answer: { readonly code: string; readonly words: string };
  readonly slot: { readonly slot: string; readonly fate: string; readonly reason: string | null } | null;
  readonly ownerState: { readonly words: string } | null;
  readonly placement: { readonly services: readonly { readonly serviceId: string; readonly unfit: string | null }[] };
}

/** Asks the log of what was recorded, where every event was taken when it was decided. @param time null: how it is now. */
async function ask(log: Recorder, time: number | null): Promise<Why> {
  const clock = new VirtualClock(log.events[0].created);
  const store = new MemoryEventStore({ clock, random: new SeededRandom(1) });
  for (const { stream, id, type, data, metadata, created } of log.events) {
    await clock.advance(created - clock.wall());
    const { outcome } = await store.append(stream, 'any', [{ id, type, data, metadata }]);
    expect(outcome).toBe('appended');
  }
  let out = '';
  const write = (part: string) => Promise.resolve(void (out += part));
  const io = { out: { write }, err: { write }, interactive: false };
  expect(await showWhy(store, 'job', { namespace: '', json: true, at: time === null ? null : { time } }, io)).toBe(0);
  await store.close();
  return objects<Why>(out)[0];
}

/** One service, and a job of it that runs every minute; its first slot is a minute from now. */
function owned(policies: Parameters<typeof definition>[1] = {}): Recorder {
  const log = new Recorder();
  log.register(one, incarnations.one);
  log.schedule('job', definition({}, policies));
  log.claim('job', one, false);
  return log;
}
const common = (log: Recorder) => ({ at: log.now, zoneData });
const asked = (log: Recorder) => ({ ...common(log), commandId: log.commandId(), reason: 'the reason' });
const minute = 60_000;

describe('why a job did not run at a time', () => {
  it('paused then: the slot that fell was skipped for it, later', async () => {
    const log = owned();
    log.job('job', { kind: 'PauseJob', ...asked(log) });
    log.now += 5 * minute;
    log.job('job', { kind: 'ResumeJob', ...asked(log) });
    const then = log.events[0].created + 2 * minute;
    expect(await ask(log, then)).toMatchObject({
      answer: {
        code: 'paused',
        words: expect.stringMatching(/^it was paused \(paused: the reason, at \S+Z\)/) as string,
      },
      slot: { fate: 'skipped', reason: 'paused' },
    });
  });
  it('running, and the slot that fell meanwhile was skipped', async () => {
    const log = owned();
    log.now += minute;
    log.startRun('job');
    log.now += 3 * minute;
    log.complete('job');
    const then = log.events[0].created + 2 * minute + 1;
    const { answer, slot } = await ask(log, then);
    expect(answer).toMatchObject({
      code: 'running',
      words: expect.stringMatching(/^it was running: attempt 1 of slot /),
    });
    expect(slot).toMatchObject({ fate: 'skipped', reason: 'overlap' });
  });
  it('running, as many as overlap allows; the slot that fell meanwhile was skipped', async () => {
    const log = owned({ overlap: { allow: 2 } });
    log.now += minute;
    log.startRun('job');
    log.now += minute;
    log.startRun('job');
    log.now += 2 * minute;
    log.complete('job');
    const { answer, slot } = await ask(log, log.events[0].created + 3 * minute + 1);
    expect(answer).toMatchObject({
      code: 'running',
      words: expect.stringMatching(
        /^it was running: attempt 1 of slot \S+ on .*; attempt 1 of slot .*2 of the 2 that overlap allows are in progress; further slots are skipped/,
      ) as string,
    });
    expect(slot).toMatchObject({ fate: 'skipped', reason: 'overlap' });
  });
  it('the handler that was to make room ignored its abort', async () => {
    const log = owned({ overlap: 'replace' });
    log.now += minute;
    log.startRun('job');
    log.now += minute + 1_000;
    const { ownership, epoch } = log.record('job');
    if (ownership.kind !== 'bound') throw new Error('it is owned');
    const { serviceId, incarnation } = ownership;
    log.job('job', { kind: 'StartRun', serviceId, incarnation, epoch, stuck: true, ...common(log) });
    const { answer, slot } = await ask(log, log.events[0].created + 2 * minute + 1);
    expect(answer.code).toBe('running');
    expect(slot).toMatchObject({
      fate: 'skipped',
      reason: 'stuck',
      words: expect.stringMatching(/ignores its abort/) as string,
    });
  });
  it('no slot was due; the one before ran', async () => {
    const log = owned();
    log.now += minute;
    log.startRun('job');
    log.complete('job');
    const { answer, slot } = await ask(log, log.now + 1_000);
    expect(answer).toMatchObject({ code: 'slot-later', words: expect.stringMatching(/the next is \S+Z, 59 s later$/) });
    expect(slot).toMatchObject({ fate: 'ran', reason: null });
  });
  it('its owner was silent, then marked failed; another took it over', async () => {
    const log = owned();
    log.register(two, incarnations.two);
    log.now += minute - 1_000;
    log.beat(one, 1);
    log.now += 8_000;
    const silent = log.now;
    expect((await ask(log, silent)).answer).toMatchObject({
      code: 'owner-silent',
      words: expect.stringMatching(/^its owner engine@host-1 has been silent for 8\.0 s/) as string,
    });
    log.now += 100;
    log.markFailed(one, two);
    log.now += 100;
    expect(await ask(log, log.now)).toMatchObject({
      answer: {
        code: 'owner-gone',
        words: expect.stringMatching(/was marked failed at \S+Z by an observer/) as string,
      },
      slot: { fate: 'pending' },
    });
    log.now += 100;
    log.requeue('job', two);
    expect((await ask(log, log.now)).answer.code).toBe('running');
    // What was so before is told the same now.
    expect(await ask(log, silent)).toMatchObject({ answer: { code: 'owner-silent' }, slot: { fate: 'ran' } });
  });
  describe('bound to an incarnation that nothing in the log registers', () => {
    const lost = incarnations.three;
    /** Bound by a log that a backup took the place of, to a service that this one knows or does not. */
    const boundTo = (serviceId: string) => {
      const log = new Recorder();
      log.register(one, incarnations.one);
      log.schedule('job', definition());
      const service = { ...log.live(one), serviceId, incarnation: lost };
      const view = { viewPosition: log.view(), why: log.why('claim', 'job', one) };
      log.job('job', { kind: 'BindJob', by: 'claim', service, ...view, start: false, ...common(log) });
      log.now += minute + 1_000;
      return log;
    };
    const gone = (serviceId: string) =>
      `nothing in the log registered its owner ${serviceId} (incarnation ${lost}); it is requeued after failAfter of silence`;

    it.each([
      ['of a service that has others', one],
      ['of a service that it knows nothing of', two],
    ])('%s: it was due, and is requeued', async (_, serviceId) => {
      const log = boundTo(serviceId);
      expect((await ask(log, log.now)).answer).toEqual({ code: 'owner-gone', words: gone(serviceId) });
      const now = gone(serviceId).replace('registered', 'registers');
      expect((await ask(log, null)).answer).toEqual({ code: 'owner-gone', words: now });
      log.register(two, incarnations.two);
      log.now += 7_000;
      log.requeue('job', two);
      expect((await ask(log, log.now)).answer.code).toBe('running');
    });
    it('while it runs', async () => {
      const log = boundTo(two);
      log.startRun('job');
      const { code, words } = (await ask(log, log.now)).answer;
      expect([code, words.endsWith(`; but ${gone(two)}`)]).toEqual(['running', true]);
    });
    it('as far as can be read: what cannot may register it', async () => {
      const log = boundTo(one);
      const torn = { ...log.events[0], id: lost, type: 'ServiceTeleported', revision: 1 };
      log.events.splice(1, 0, torn);
      expect((await ask(log, log.now)).answer.code).toBe('due');
    });
  });
  it('lost, and held for an operator', async () => {
    const log = owned({ onOwnerLoss: 'hold' });
    log.register(two, incarnations.two);
    log.now += minute;
    log.startRun('job');
    log.markFailed(one, two);
    log.requeue('job', two);
    expect((await ask(log, log.now)).answer).toMatchObject({
      code: 'held',
      words: expect.stringMatching(/resolve-hold/),
    });
  });
  it('suspect, while another such job runs at its owner', async () => {
    const log = owned();
    log.register(two, incarnations.two);
    log.now += minute;
    log.startRun('job');
    log.markFailed(one, two);
    log.requeue('job', two);
    log.register(one, incarnations.one.replace(/.$/, '7'));
    log.markFailed(two, one);
    log.requeue('job', one, true, false);
    expect((await ask(log, log.now)).answer).toMatchObject({
      code: 'suspect',
      words: expect.stringMatching(
        /^it was due since \S+Z; 2 owners have died in it since its last success, and its owner engine@host-1 starts it when no other such job runs there$/,
      ) as string,
    });
  });
  it('in quarantine', async () => {
    const log = owned();
    log.register(two, incarnations.two);
    let living = [one, two];
    log.now += minute;
    log.startRun('job');
    for (let n = 0; n < 3; n += 1) {
      const [dead, alive] = living;
      log.markFailed(dead, alive);
      log.requeue('job', alive);
      log.now += 1_000;
      log.register(dead, incarnations.two.replace(/.$/, String(n + 4)));
      living = [alive, dead];
    }
    expect((await ask(log, log.now)).answer).toMatchObject({
      code: 'quarantined',
      words: expect.stringMatching(/quarantined after 3 crashes/) as string,
    });
  });
  it('nobody owned it, and why nobody could', async () => {
    const log = new Recorder();
    log.register(one, incarnations.one);
    log.schedule('job', definition({ handler: 'other' }));
    const { answer, placement } = await ask(log, log.now);
    expect(answer).toMatchObject({ code: 'unbound', words: expect.stringMatching(/1 have no such handler$/) });
    expect(placement.services).toEqual([{ serviceId: one, unfit: 'has no handler other', rank: null }]);
  });
  it('due, while its owner drained', async () => {
    const log = owned();
    log.now += minute;
    log.service(one, { kind: 'StartDrain', ...asked(log) });
    const { answer, ownerState } = await ask(log, log.now);
    expect(answer.code).toBe('owner-draining');
    expect(ownerState?.words).toBe('draining (its beats of that time are not kept)');
  });
  it('cancelled before', async () => {
    const log = owned();
    log.job('job', { kind: 'CancelJob', mode: 'now', ...asked(log) });
    const ended = {
      code: 'ended',
      words: expect.stringMatching(/^it had ended: cancelled \(cancelled: the reason, at /),
    };
    expect((await ask(log, log.now)).answer).toEqual(ended);
  });
  it('not scheduled yet', async () => {
    expect(await ask(owned(), 0)).toMatchObject({
      answer: { code: 'absent' },
      slot: null,
      placement: { services: [] },
    });
  });
});
