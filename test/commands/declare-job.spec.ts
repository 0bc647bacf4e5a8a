import {
  CancelJobCommand,
  CommandRefusedError,
  declarationOutcome,
  DeclareJobCommand,
  type DeclareJobFields,
} from '../../src/commands';
import { Bench } from './bench';

const schedule = (ms: number) => ({ kind: 'interval', every: ms }) as const;

function declare(hash: string, more: Partial<DeclareJobFields> = {}): DeclareJobCommand {
  const declaration = { hash, source: 'app' };
  return new DeclareJobCommand({ jobId: 'tick', handler: 'tick', schedule: schedule(1_000), declaration, ...more });
}

describe('DeclareJobCommand', () => {
  it('tells what became of the declaration', async () => {
    const bench = new Bench();
    const outcome = async (hash: string, more: Partial<DeclareJobFields> = {}) =>
      declarationOutcome(await bench.settled(bench.executor.execute(declare(hash, more))), hash);
    expect(await outcome('a')).toBe('scheduled');
    expect(await outcome('a')).toBe('unchanged');
    expect(await outcome('b', { schedule: schedule(2_000) })).toBe('rescheduled');
    expect(await outcome('a')).toBe('replaced');
    await bench.settled(bench.executor.execute(new CancelJobCommand({ jobId: 'tick' })));
    expect(await outcome('b')).toBe('ended');
    expect(await outcome('a')).toBe('replaced');
    expect(await outcome('c')).toBe('renewed');
  });

  it.each<[string, object, string]>([
    ['no hash', { declaration: { source: 'app' } }, 'declaration.hash'],
    ['a source that is no id', { declaration: { hash: 'a', source: 'two words' } }, 'declaration.source'],
    ['a word for disabled', { disabled: 'yes' }, 'disabled'],
    ['a pattern that is none', { schedule: { kind: 'cron', pattern: '* *' } }, 'schedule.pattern'],
  ])('refuses %s', async (_, more, field) => {
    const bench = new Bench();
    const command = declare('a', more as never);
    const refused = await bench.settled(bench.executor.execute(command)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(CommandRefusedError);
    expect((refused as CommandRefusedError).refusals[0]).toMatchObject({ field, remedy: expect.stringMatching(/./) });
  });
});
