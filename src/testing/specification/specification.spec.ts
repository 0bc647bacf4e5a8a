import type { JobCommand, JobEvent } from '../../domain/job';
import { allRunners, deciderRunner, specification, SpecificationFailed, specify, unreadableEvent } from '.';
import type { Specification, SpecificationRunner } from '.';

const at = Date.parse('2026-03-01T10:00:00.000Z');
const common = { at, zoneData: '2026a' };
const scheduled: JobEvent = {
  type: 'JobScheduled',
  data: {
    jobId: 'report',
    definition: {
      handler: 'audit',
      payload: null,
      schedule: { kind: 'interval', everyMs: 60_000, origin: null, start: null, end: null, maxRuns: null },
      tag: {},
      affinity: 'required',
      policies: {
        retry: { maxRetries: 0, initialMs: 1_000, factor: 2, maxMs: 300_000 },
        overlap: 'skip',
        misfire: 'once',
        onOwnerLoss: 'rerun',
        onStuck: 'release',
        timeoutMs: null,
        priority: 0,
      },
    },
    definitionHash: 'h',
    anchor: at,
    renewed: false,
    nextSlot: '2026-03-01T10:01:00.000Z',
    ...common,
    at: at - 1,
  },
};
const asked = { ...common, commandId: 'c1', reason: 'x' };
const pause: JobCommand = { kind: 'PauseJob', ...asked };
const paused: JobEvent = { type: 'JobPaused', data: { reason: 'x', commandId: 'c1', at } };
const remove: JobCommand = { kind: 'RemoveJob', ...asked };
const cancelled: JobEvent = { type: 'JobCancelled', data: { reason: 'x', commandId: 'c1', at } };
const removed: JobEvent = { type: 'JobRemoved', data: { reason: 'x', commandId: 'c1', at } };

const asksPause = specification('pause').given(scheduled).when(pause);
const asksRemoval = specification('remove').given(scheduled).when(remove);
const asksInVain = specification('in vain').when(pause);

async function failureOf(runner: SpecificationRunner, spec: Specification): Promise<SpecificationFailed> {
  const error: unknown = await runner.run(spec).then(
    () => new Error('it holds'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof SpecificationFailed) return error;
  throw error;
}

describe.each(allRunners)('the $name runner', (runner) => {
  it.each([
    ['events', asksPause.then(paused)],
    ['several events', asksRemoval.then(cancelled, removed)],
    ['a refusal', asksInVain.thenRefused('job-unknown')],
    ['a refusal with its field', asksInVain.thenRefused('job-unknown', { field: 'jobId' })],
    ['nothing', specification('again').given(scheduled, paused).when(pause).thenNothing({ knownRevision: 1 })],
    ['given commands', specification('mixed').given(scheduled, pause).when(pause).thenNothing({ knownRevision: 1 })],
    [
      'given events that cannot be read',
      specification('opaque').given(scheduled, unreadableEvent()).when(pause).thenRefused('job-opaque'),
    ],
    [
      'the type of a known event that cannot be read',
      specification('opaque').given(scheduled, unreadableEvent('JobPaused')).when(pause).thenRefused('job-opaque'),
    ],
  ])('accepts %s', (_, spec) => expect(runner.run(spec)).resolves.toBeUndefined());

  it.each<[string, Specification, readonly string[]]>([
    [
      'a field more than expected',
      asksPause.then({ type: 'JobPaused', data: { reason: 'x', at } }),
      ['  0  JobPaused', '       commandId: expected nothing, actual "c1"'],
    ],
    [
      'a field less than expected',
      asksPause.then({ type: 'JobPaused', data: { ...paused.data, more: null } } as unknown as JobEvent),
      ['  0  JobPaused', '       more: expected null, actual nothing'],
    ],
    [
      'another value',
      asksPause.then({ type: 'JobPaused', data: { reason: 'y', commandId: 'c1', at } }),
      ['  0  JobPaused', '       reason: expected "y", actual "x"'],
    ],
    [
      'an event too many',
      asksRemoval.then(cancelled),
      [
        '  0  JobCancelled, as expected',
        '  1  expected no event',
        `     actual   JobRemoved ${JSON.stringify({ ...removed.data, at: undefined, commandId: undefined }).slice(0, -1)},"at":${at},"commandId":"c1"}`,
      ],
    ],
    [
      'a missing event',
      asksPause.then(paused, cancelled),
      [
        '  0  JobPaused, as expected',
        `  1  expected JobCancelled ${JSON.stringify(cancelled.data)}`,
        '     actual   no event',
      ],
    ],
  ])('fails on %s, and says where', async (_, spec, diff) => {
    const failure = await failureOf(runner, spec);
    expect(failure.diff).toEqual(diff);
    expect(failure.message.split('\n')[0]).toBe(`“${spec.name}” does not hold (${runner.name}):`);
  });

  it.each<[string, Specification, RegExp]>([
    ['another order', asksRemoval.then(removed, cancelled), /0 {2}expected JobRemoved .*\n.*actual {3}JobCancelled/],
    ['another type', asksPause.then(cancelled), /expected JobCancelled .*\n.*actual {3}JobPaused/],
    ['nothing instead of events', specification('n').given(scheduled, pause).when(pause).then(paused), /no event/],
    ['events instead of nothing', asksPause.thenNothing(), /expected nothing\n {2}actual {3}events: JobPaused/],
    ['events instead of a refusal', asksPause.thenRefused('job-held'), /expected refusal job-held\n.*JobPaused/],
    ['a refusal instead of events', asksInVain.then(paused), /expected events: JobPaused\n.*refusal job-unknown/],
    ['a refusal instead of nothing', asksInVain.thenNothing(), /expected nothing\n.*refusal job-unknown/],
    [
      'nothing instead of a refusal',
      specification('n').given(scheduled, pause).when(pause).thenRefused('job-paused'),
      /actual {3}nothing/,
    ],
    ['another refusal code', asksInVain.thenRefused('job-paused'), /refusal job-paused\n.*refusal job-unknown/],
    [
      'another refused field',
      asksInVain.thenRefused('job-unknown', { field: 'tag' }),
      /field 'tag'\n.*job-unknown, field 'jobId'/,
    ],
    [
      'another first result',
      specification('n').given(scheduled, pause).when(pause).thenNothing({ knownRevision: 7 }),
      /at revision 7\n.*revision 1/,
    ],
    [
      'a given command that is refused',
      specification('n').given(pause).when(pause).thenRefused('job-unknown'),
      /given 0:\n.*PauseJob is refused: job-unknown/,
    ],
    [
      'a given event that is no readable event',
      specification('n')
        .given({ type: 'JobPaused', data: { at } } as unknown as JobEvent)
        .when(pause)
        .then(paused),
      /JobPaused cannot be read back: reason is missing/,
    ],
    [
      'a given event that loses something on its way through text',
      specification('n')
        .given({ type: 'JobPaused', data: { at, reason: 'x', more: NaN } } as unknown as JobEvent)
        .when(pause)
        .thenNothing(),
      /not read back as it was written:\n.*more: expected NaN, actual null/,
    ],
  ])('fails on %s', async (_, spec, words) => {
    expect((await failureOf(runner, spec)).message).toMatch(words);
  });
});

it('declares one test for each specification and runner', async () => {
  const declared: [string, () => Promise<void>][] = [];
  specify((name, run) => declared.push([name, run]), [asksPause.then(paused), asksPause.thenNothing()]);
  const names = allRunners.map((runner) => `pause [${runner.name}]`);
  expect(declared.map(([name]) => name)).toEqual([...names, ...names]);
  expect(names).toHaveLength(2);
  await expect(declared[0][1]()).resolves.toBeUndefined();
  await expect(declared[2][1]()).rejects.toBeInstanceOf(SpecificationFailed);
});

it('is made of data: given can be told in parts', () => {
  const spec = specification('parts').given(scheduled).given(paused).when(pause).thenNothing();
  expect(spec).toEqual({
    name: 'parts',
    given: [scheduled, paused],
    when: pause,
    then: { kind: 'nothing' },
  });
  expect(deciderRunner.name).toBe('decider');
});
