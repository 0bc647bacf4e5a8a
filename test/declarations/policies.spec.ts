import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Cron, DeclarationRefusedError, history, HoldfastService, Interval, Timeout } from '../../src';
import type { CronOptions, DeclarationRefusal, JobDefinition } from '../../src';
import { HoldfastTesting, HoldfastTestingModule } from '../../src/testing';

/** What each decorator may say of its job besides its time. */
const said = {
  tag: { name: 'app' },
  affinity: 'preferred',
  overlap: { allow: 3 },
  misfire: { policy: 'all', cap: 5, maxAgeMs: 60_000, onResume: 'once' },
  jitter: 'PT30S',
  policies: { timeoutMs: 5_000, priority: 7, onOwnerLoss: 'hold', onStuck: 'wait', retry: { maxRetries: 2 } },
} as const;

@Injectable()
class Tasks {
  @Cron('0 3 * * *', { name: 'cron', timeZone: 'Europe/Berlin', ...said })
  cron(): void {}
  @Interval('interval', 3_600_000, said)
  interval(): void {}
  @Timeout('timeout', 3_600_000, said)
  timeout(): void {}
}

const compiled = (provider: new () => object) =>
  Test.createTestingModule({ imports: [HoldfastTestingModule.forRoot()], providers: [provider] }).compile();

async function refusals(provider: new () => object): Promise<readonly DeclarationRefusal[]> {
  const app = await compiled(provider);
  const error: unknown = await app.init().catch((refused: unknown) => refused);
  await app.close();
  expect(error).toBeInstanceOf(DeclarationRefusedError);
  return (error as DeclarationRefusedError).refusals;
}

describe('the policies of a declaration', () => {
  it('are in the log as they were written, whichever decorator they were given to', async () => {
    const app = await compiled(Tasks);
    await app.init();
    const testing = app.get(HoldfastTesting);
    await testing.during(app.get(HoldfastService).declarations.settled());
    for (const jobId of ['cron', 'interval', 'timeout']) {
      let definition: JobDefinition | null = null;
      for await (const { type, data } of history(testing.store, jobId))
        if (type === 'JobScheduled') ({ definition } = data as { definition: JobDefinition });
      expect(definition).toMatchObject({
        schedule: { jitterMs: 30_000 },
        tag: said.tag,
        affinity: 'preferred',
        policies: {
          ...said.policies,
          retry: { maxRetries: 2, initialMs: 1_000, factor: 2 },
          overlap: { allow: 3 },
          misfire: { policy: 'all', cap: 5, maxAgeMs: 60_000, onResume: 'once' },
        },
      });
    }
    await testing.close();
    await app.close();
  });

  it.each([
    ['Cron', (options: object) => Cron('0 3 * * *', options)],
    ['Interval', (options: object) => Interval('a', 3_600_000, options)],
    ['Timeout', (options: object) => Timeout('a', 3_600_000, options)],
  ])(
    'are refused at the start, each with class, method, field, value, rule and remedy: @%s',
    async (name, decorator) => {
      class Wrong {
        @decorator({ tag: { name: 5 } })
        tag(): void {}
        @decorator({ affinity: 'near' })
        affinity(): void {}
        @decorator({ overlap: 'both' })
        overlap(): void {}
        @decorator({ overlap: { allow: 1 } })
        allow(): void {}
        @decorator({ misfire: { policy: 'skip', cap: 3 } })
        misfire(): void {}
        @decorator({ jitter: 'P1M' })
        jitter(): void {}
        @decorator({ policies: { retry: { maxRetries: -1 } } })
        retry(): void {}
        @decorator({ policies: null, overlap: 'queue' })
        policies(): void {}
        @decorator({ overlaps: 'queue' })
        unknown(): void {}
      }
      Injectable()(Wrong);
      const found = await refusals(Wrong);
      expect(found.map(({ where, field, value }) => [where, field, value])).toEqual([
        [`@${name} on Wrong.tag`, 'tag.name', expect.stringMatching(/5|number/)],
        [`@${name} on Wrong.affinity`, 'affinity', expect.stringContaining('near')],
        [`@${name} on Wrong.overlap`, 'overlap', expect.stringContaining('both')],
        [`@${name} on Wrong.allow`, 'overlap.allow', expect.stringContaining('1')],
        [`@${name} on Wrong.misfire`, 'misfire.cap', expect.stringContaining('3')],
        [`@${name} on Wrong.jitter`, 'jitter', expect.stringContaining('P1M')],
        [`@${name} on Wrong.retry`, 'policies.retry.maxRetries', expect.stringContaining('-1')],
        [`@${name} on Wrong.policies`, 'policies', expect.stringContaining('null')],
        [`@${name} on Wrong.unknown`, 'overlaps', expect.any(String)],
      ]);
      for (const { rule, remedy } of found) {
        expect(rule).toMatch(/\w{3}/);
        expect(remedy).toMatch(/\w{3}/);
      }
    },
  );

  it('are typed', () => {
    const options: CronOptions[] = [
      said,
      { overlap: 'replace', misfire: 'skip', jitter: 500 },
      // @ts-expect-error there is no such policy
      { overlap: 'both' },
      // @ts-expect-error there is no such policy
      { misfire: 'twice' },
      // @ts-expect-error it ranks or it excludes
      { affinity: 'near' },
      // @ts-expect-error labels are texts
      { tag: { rack: 5 } },
    ];
    expect(options).toHaveLength(6);
  });
});
