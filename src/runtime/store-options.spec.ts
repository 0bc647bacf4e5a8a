import { inspect } from 'node:util';
import { OptionsRefusedError, resolveOptions } from '.';

const service = { name: 'worker' };
const refusalsOf = (connection: unknown) => {
  try {
    resolveOptions({ service, store: { kind: 'eventstoredb', connection: connection as string } });
  } catch (error) {
    if (error instanceof OptionsRefusedError) return error;
    throw error;
  }
  throw new Error('it was not refused');
};

describe('the options of a log in EventStoreDB', () => {
  it('are taken, and show no password', () => {
    const resolved = resolveOptions({
      service,
      store: { kind: 'eventstoredb', connection: 'esdb://admin:s3cr3t@a,b,c?tlsCAFile=ca.crt' },
    });
    expect(resolved.store.kind).toBe('eventstoredb');
    for (const text of [inspect(resolved, { depth: 9, showHidden: true }), JSON.stringify(resolved)]) {
      expect(text).not.toContain('s3cr3t');
      expect(text).toContain('esdb://admin:***@a,b,c?tlsCAFile=ca.crt');
    }
  });

  it.each([
    'esdb://admin:s3cr3t@a?tls=maybe',
    'http://admin:s3cr3t@a',
    'esdb://admin:s3cr3t@a?s3cr3t=1',
    'esdb://s3cr3t@a',
    'esdb://admin:s3/cr3t@a',
  ])('are refused with field, rule and remedy, without the value', (connection) => {
    const error = refusalsOf(connection);
    expect(error.refusals).toEqual([
      {
        code: 'option',
        field: 'store.connection',
        value: expect.stringContaining('not shown'),
        rule: expect.stringMatching(/\S/),
        remedy: expect.stringMatching(/\S/),
      },
    ]);
    expect(`${error.message} ${JSON.stringify(error.refusals)}`).not.toMatch(/s3/);
  });

  it.each([undefined, null, 7, {}])('are refused when the connection is %p', (connection) => {
    expect(refusalsOf(connection).refusals[0].field).toBe('store.connection');
  });

  it('are refused for a kind of store that is not known', () => {
    expect(() => resolveOptions({ service, store: { kind: 'mysql' } as never })).toThrow(/eventstoredb/);
  });
});
