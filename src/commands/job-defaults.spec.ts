import { checkJobDefaults, Jobs, jobType, type AnyCommand, type CommandDispatcher, type JobDefaults } from '.';

async function scheduled(
  options: JobDefaults,
  ofHandler: JobDefaults | undefined,
  ofType: JobDefaults | undefined,
): Promise<object> {
  const sent: AnyCommand[] = [];
  const dispatcher: CommandDispatcher = {
    execute: async (command: AnyCommand): Promise<never> => {
      sent.push(command);
      return { id: 'j', revision: 0, position: 1n, added: 1 } as never;
    },
  };
  const jobs = new Jobs(dispatcher, (handler) => (handler === 'audit' ? ofHandler : undefined));
  await jobs.schedule(jobType('audit', ofType), null, options);
  const { tag, affinity, policies } = JSON.parse(JSON.stringify(sent[0])) as JobDefaults;
  return { tag, affinity, policies };
}

describe('defaults of a job', () => {
  it('are none, where nobody says anything', async () => {
    expect(await scheduled({}, undefined, undefined)).toEqual({});
  });

  it('are those of the job type', async () => {
    expect(await scheduled({}, undefined, { tag: { zone: 'a' }, affinity: 'preferred' })).toEqual({
      tag: { zone: 'a' },
      affinity: 'preferred',
    });
  });

  it('are those of the handler before those of the job type, before nothing that the caller says', async () => {
    const ofType: JobDefaults = { tag: { of: 'type' }, affinity: 'preferred', policies: { timeoutMs: 1, priority: 1 } };
    const ofHandler: JobDefaults = { tag: { of: 'handler' }, policies: { priority: 2, onOwnerLoss: 'hold' } };
    expect(await scheduled({}, ofHandler, ofType)).toEqual({
      tag: { of: 'handler' },
      affinity: 'preferred',
      policies: { timeoutMs: 1, priority: 2, onOwnerLoss: 'hold' },
    });
    expect(await scheduled({ tag: {}, policies: { priority: 0 } }, ofHandler, ofType)).toEqual({
      tag: {},
      affinity: 'preferred',
      policies: { timeoutMs: 1, priority: 0, onOwnerLoss: 'hold' },
    });
  });

  it('are taken field by field within retry; null is a value', async () => {
    const ofType: JobDefaults = { policies: { timeoutMs: 5_000, retry: { maxRetries: 3, initialMs: 10 } } };
    const ofHandler: JobDefaults = { policies: { retry: { initialMs: 20, maxMs: undefined } } };
    expect(await scheduled({ policies: { timeoutMs: null, retry: { factor: 3 } } }, ofHandler, ofType)).toEqual({
      tag: undefined,
      affinity: undefined,
      policies: { timeoutMs: null, retry: { maxRetries: 3, initialMs: 20, factor: 3 } },
    });
  });

  it.each<[unknown, string]>([
    [{ tag: { zone: 1 } }, 'tag.zone'],
    [{ affinity: 'often' }, 'affinity'],
    [{ policies: { priority: 1e9 } }, 'policies.priority'],
    [{ policies: { retry: { maxRetries: -1 } } }, 'policies.retry.maxRetries'],
    [{ tags: {} }, 'tags'],
    ['preferred', 'defaults'],
  ])('are refused: %j', (defaults, field) => {
    expect(checkJobDefaults(defaults)[0]).toMatchObject({ field, rule: expect.stringMatching(/./) });
    expect(() => jobType('audit', defaults as never)).toThrow(field);
  });

  it('of a job type do not change with the object they were made of', () => {
    const tag: Record<string, string> = { zone: 'a' };
    const type = jobType('audit', { tag });
    tag.zone = 'b';
    expect(type.defaults).toEqual({ tag: { zone: 'a' } });
  });
});
