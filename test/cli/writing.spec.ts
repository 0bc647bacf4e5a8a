import { userInfo } from 'node:os';
import { holdfast, Installation, objects, Report, until } from './installation';
import type { HoldfastService } from '../../src/runtime';

/** A year without a slot. */
const rarely = { kind: 'interval', every: 31_536_000_000 } as const;

interface Sent {
  readonly id: string;
  readonly added: number;
  readonly events: readonly string[];
  readonly revision: number;
  readonly position: string;
  readonly next: string;
  readonly commandId: string;
  readonly actor: string;
}

describe('the commands that write, while services run', () => {
  const here = new Installation();
  const at = (...args: string[]) => holdfast([...args, '--log', here.log]);
  const sent = async (...args: string[]): Promise<Sent> => {
    const { code, out, err } = await at(...args, '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return objects<Sent>(out)[0];
  };
  let first: HoldfastService;
  let second: HoldfastService;
  let ran = 0;
  const job = (id: string) => first.readModel.job(id);

  beforeAll(async () => {
    first = await here.service('first', () => void ran++);
    for (const id of ['a', 'b', 'c']) await first.jobs.schedule(Report, { secret: 'x' }, { id, schedule: rarely });
    await until('all are owned', () => ['a', 'b', 'c'].every((id) => job(id)?.serviceId === 'first@host'));
    second = await here.service('second', () => void ran++);
    await until('the other is seen', () => first.readModel.service('second@host') !== null);
  });
  afterAll(() => here.end());

  it('pause says what it added and what follows, and is in the log with its actor', async () => {
    const { code, out } = await at('pause', 'a', '--reason', 'maintenance', '--actor', 'ops:kim');
    expect(code).toBe(0);
    expect(out).toMatch(
      /^a: added JobPaused \(revision 2, position \d+\)\nNothing of it starts until `holdfast resume`\.\n$/,
    );
    await until('the service sees it', () => job('a')?.status === 'paused');
    const events = objects<{ type: string; data: object; metadata: object }>((await at('export', '--job', 'a')).out);
    expect(events.at(-1)).toMatchObject({
      type: 'JobPaused',
      data: { reason: 'maintenance' },
      metadata: { actor: 'ops:kim' },
    });
  });
  it('resume adds nothing the second time, and nothing for a command id that is known', async () => {
    const once = await sent('resume', 'a', '--command-id', 'resume-1');
    expect(once).toMatchObject({ id: 'a', added: 1, events: ['JobResumed'], commandId: 'resume-1' });
    expect(once.actor).toBe(`cli:${userInfo().username}`);
    await first.jobs.pause('a');
    const again = await sent('resume', 'a', '--command-id', 'resume-1');
    expect(again).toMatchObject({ added: 0, events: [], revision: once.revision, position: once.position });
    expect(await at('pause', 'a')).toMatchObject({ code: 1, err: expect.stringMatching(/jobId a: .* paused already/) });
    const { out } = await at('bind', 'b', 'first@host');
    expect(out).toMatch(/^b: nothing was added: it is so already/);
    expect(await at('resume', 'b')).toMatchObject({ code: 1, err: expect.stringMatching(/jobId b: .* not paused/) });
  });
  it('run-now asks for a run, and the owner runs it', async () => {
    const before = ran;
    const { events, next } = await sent('run-now', 'b', '--reason', 'now please');
    expect(events).toEqual(['JobRunRequested']);
    expect(next).toBe('first@host starts it within moments.');
    await until('it runs', () => ran > before && job('b')?.lastOutcome?.outcome === 'succeeded');
  });
  it('backfill asks for the slots of a window, and says what is wrong with one', async () => {
    const day = 86_400_000;
    const [from, to] = [new Date(Date.now() - 3 * day), new Date(Date.now() - day)].map((one) => one.toISOString());
    const every = { kind: 'interval', every: day } as const;
    await first.jobs.schedule(Report, { secret: 'x' }, { id: 'daily', schedule: every });
    await until('it is owned', () => job('daily')?.serviceId !== null);
    const before = ran;
    const { events, next } = await sent(
      'backfill',
      'daily',
      '--from',
      from,
      '--to',
      to,
      '--reason',
      'the disk was full',
    );
    expect(events).toEqual(['JobRunRequested', 'JobRunRequested']);
    expect(next).toMatch(
      /^\w+@host starts them one after the other, whenever no scheduled slot is due: 2 runs of times gone by to come\.$/,
    );
    await until('both run', () => ran === before + 2);
    const { out } = await at('history', 'daily');
    expect(out).toMatch(/a run was asked for, to make up for .* \(slot backfill:2:.*\): the disk was full/);
    const refused = await at('backfill', 'daily', '--from', from, '--to', to, '--limit', '1');
    expect(refused).toMatchObject({ code: 1, err: expect.stringMatching(/limit 1: This window has 2 slots/) });
    expect(await at('backfill', 'daily', '--from', 'monday', '--to', to)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/from monday: It is not an ISO 8601 instant/),
    });
    expect(await at('backfill', 'daily', '--from', from)).toMatchObject({ code: 2 });
    await first.jobs.remove('daily');
  });
  it('bind moves an idle job, and refuses what may not be', async () => {
    const { events, next } = await sent('bind', 'c', 'second@host');
    expect(events).toEqual(['JobReleased', 'JobBoundToService']);
    expect(next).toMatch(/^It is owned by second@host, epoch 2; second@host starts it next at /);
    await until('the owner is another', () => job('c')?.serviceId === 'second@host');
    const { code, out, err } = await at('bind', 'c', 'secnd@host');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /^holdfast: refused: serviceId secnd@host: No such service .* Known: first@host, second@host\.\n$/,
    );
  });
  it('drain and mark-failed refuse a service that there is not, by name', async () => {
    for (const command of ['drain', 'mark-failed']) {
      const { code, err } = await at(command, 'third@host', '--json');
      expect(code).toBe(1);
      expect(JSON.parse(err)).toMatchObject({
        error: {
          code: 'refused',
          refusals: [
            {
              code: 'service-unknown',
              value: 'third@host',
              remedy: expect.stringMatching(/Known: first@host, second@host\.$/),
            },
          ],
        },
      });
    }
  });
  it('refuses a job that there is not, an id that is none, an actor that is none', async () => {
    expect(await at('pause', 'nobody')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^holdfast: refused: /),
    });
    expect(await at('pause', '-x y')).toMatchObject({ code: 2 });
    expect(await at('pause', 'x y')).toMatchObject({ code: 1, err: expect.stringMatching(/jobId x y: It must have/) });
    expect(await at('pause', 'a', '--actor', 'a\nb')).toMatchObject({ code: 2, err: expect.stringMatching(/--actor/) });
    expect(await at('resolve-hold', 'a', 'maybe')).toMatchObject({ code: 2, err: expect.stringMatching(/'maybe'/) });
    expect(await at('resolve-hold', 'a', 'retry')).toMatchObject({ code: 1 });
    expect(await at('release', 'a')).toMatchObject({ code: 1 });
  });
  it('cancel and remove end a job', async () => {
    expect(await sent('cancel', 'b', '--after-run')).toMatchObject({
      added: 1,
      next: expect.stringMatching(/cancelled/) as string,
    });
    const { code, out } = await at('remove', 'c', '--reason', 'not needed');
    expect(code).toBe(0);
    expect(out).toMatch(/^c: added .*JobRemoved .*\nIt has ended \(removed\)/);
    const json = objects((await at('jobs', '--json')).out).map(({ jobId }) => jobId);
    expect(json).toEqual(['a', 'b']);
    expect(objects((await at('jobs', '--json', '--removed')).out)).toHaveLength(4);
  });
  it('drain makes a service give away its jobs', async () => {
    const { code, out } = await at('drain', 'first@host', '--reason', 'upgrade');
    expect(code).toBe(0);
    expect(out).toMatch(/^first@host: added ServiceDrainStarted .*\nIt takes no more jobs and gives away those it has/);
    await until('it is gone', () => second.readModel.job('a')?.serviceId === 'second@host');
    expect((await at('services')).out).toMatch(/^first@host +draining/m);
  });
  it('mark-failed is a verdict; --confirmed-dead may be added to it', async () => {
    const marked = await sent('mark-failed', 'first@host', '--reason', 'unplugged');
    expect(marked.events).toEqual(['ServiceMarkedFailed']);
    expect(marked.next).toMatch(/running ones after a full measured silence/);
    expect(await sent('mark-failed', 'first@host', '--confirmed-dead')).toMatchObject({
      added: 1,
      next: expect.stringMatching(/at once, the running ones too/) as string,
    });
    const rows = objects((await at('services', '--json')).out);
    expect(rows[0]).toMatchObject({
      serviceId: 'first@host',
      state: 'failed',
      failedBy: 'operator',
      confirmedDead: true,
    });
  });
  it('the log is still sound', async () => {
    expect(await holdfast(['verify', here.log])).toMatchObject({ code: 0, err: '' });
  });
});
