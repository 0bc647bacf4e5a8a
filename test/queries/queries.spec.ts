import { Module } from '@nestjs/common';
import { CqrsModule, QueryBus } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import {
  DueJobsQuery,
  GetJobQuery,
  GetNextRunTimeQuery,
  GetServiceQuery,
  ListJobsQuery,
  ListServicesQuery,
  Queries,
  queryHandlers,
  QueryRefusedError,
} from '../../src/queries';
import { ViewTimeoutError, type SqliteReadModel } from '../../src/read-model';
import { ALog, T0, bound, paused, registered, scheduled, slot } from '../read-model/a-log';

describe('queries', () => {
  let log: ALog;
  let view: SqliteReadModel;
  let queries: Queries;
  beforeEach(async () => {
    log = new ALog();
    await log.service('a', registered('a', 'a1'));
    await log.service('b', registered('b', 'b1'));
    view = await log.view();
    queries = new Queries(view, log.clock);
  });
  afterEach(() => log.close());

  it('wait for a position, as a bigint or as text', async () => {
    const asked = queries.job('j', { after: 3n });
    const text = queries.job('j', { after: '3' });
    await log.job('j', scheduled('j'));
    expect(await asked).toMatchObject({ jobId: 'j', position: 3n });
    expect(await text).toMatchObject({ jobId: 'j' });
    expect(await queries.job('k')).toBeNull();
  });

  it('say when the view did not get there in time', async () => {
    const late = expect(queries.services({ after: '99', timeoutMs: 200 })).rejects.toThrow(ViewTimeoutError);
    await log.clock.advance(200);
    await late;
    const byDefault = expect(queries.job('j', { after: 99n })).rejects.toThrow(/after 5000 ms/);
    await log.clock.advance(5_000);
    await byDefault;
  });

  it('list jobs by any of the conditions, in pages', async () => {
    for (let i = 0; i < 9; i++) {
      const tag = { parity: i % 2 === 0 ? 'even' : 'odd' };
      await log.job(`j${i}`, scheduled(`j${i}`, 10 * i, { tag }), ...(i < 6 ? [bound('a', 'a1')] : []));
    }
    await log.applied(view);
    const first = await queries.jobs({ tag: { parity: 'even' }, serviceId: 'a', limit: 2 });
    expect(first.rows.map((row) => row.jobId)).toEqual(['j0', 'j2']);
    const second = await queries.jobs({ tag: { parity: 'even' }, serviceId: 'a', limit: 2, cursor: first.next! });
    expect(second).toMatchObject({ rows: [{ jobId: 'j4' }], next: null });
    const window = await queries.jobs({ nextRunFrom: slot(30), nextRunBefore: new Date(T0 + 50_000) });
    expect(window.rows.map((row) => row.jobId)).toEqual(['j3', 'j4']);
    expect((await queries.jobs({ serviceId: null, status: ['unbound'] })).rows).toHaveLength(3);
  });

  it('fill a page though few of many match', async () => {
    for (let i = 0; i < 10_050; i++)
      await log.job(`n${i}`, scheduled(`n${i}`, 60, { handler: i > 10_040 ? 'rare' : 'audit' }));
    await log.applied(view);
    const page = await queries.jobs({ nextRunFrom: 0, handler: 'rare', limit: 20 });
    expect(page.rows).toHaveLength(9);
    expect(page.next).toBeNull();
  });

  it('tell due jobs and the next run time of one service alone', async () => {
    await log.job('mine', scheduled('mine', 30), bound('a', 'a1'));
    await log.job('late', scheduled('late', 90), bound('a', 'a1'));
    await log.job('theirs', scheduled('theirs', 10), bound('b', 'b1'));
    await log.job('nobodys', scheduled('nobodys', 5));
    await log.applied(view);
    expect((await queries.nextRunTime('a')).nextRunTime).toBe(T0 + 30_000);
    expect((await queries.due({ serviceId: 'a' })).rows).toEqual([]);
    expect((await queries.due({ serviceId: 'a', at: slot(30) })).rows.map((row) => row.jobId)).toEqual(['mine']);
    await log.clock.advance(100_000);
    expect((await queries.due({ serviceId: 'a' })).rows.map((row) => row.jobId)).toEqual(['mine', 'late']);
    expect((await queries.due({ serviceId: 'a', limit: 1 })).rows.map((row) => row.jobId)).toEqual(['mine']);
    await log.job('mine', paused);
    await log.job('late', paused);
    await log.applied(view);
    expect(await queries.nextRunTime('a')).toEqual({ nextRunTime: null, position: view.position() });
  });

  it('refuse to answer of a service that nobody knows', async () => {
    for (const asked of [queries.due({ serviceId: 'x' }), queries.nextRunTime('x')]) {
      await expect(asked).rejects.toMatchObject({
        code: 'service-unknown',
        refusals: [{ field: 'serviceId', value: 'x', rule: expect.any(String), remedy: expect.any(String) }],
      });
    }
    expect(await queries.service('x')).toBeNull();
  });

  it('show services with what they own', async () => {
    await log.job('j', scheduled('j'), bound('b', 'b1'));
    await log.applied(view);
    const { rows } = await queries.services();
    expect(rows.map((row) => [row.serviceId, row.ownedJobs])).toEqual([
      ['a', 0],
      ['b', 1],
    ]);
    expect(await queries.service('b')).toMatchObject({ ownedJobs: 1, current: { incarnation: 'b1' } });
  });

  it.each([
    ['jobId', new GetJobQuery({ jobId: '../x' })],
    ['jobId', new GetJobQuery({} as never)],
    ['after', new GetJobQuery({ jobId: 'j', after: '-1' })],
    ['after', new GetJobQuery({ jobId: 'j', after: 0n })],
    ['after', new GetJobQuery({ jobId: 'j', after: 1 as never })],
    ['timeoutMs', new GetJobQuery({ jobId: 'j', timeoutMs: -1 })],
    ['timeoutMs', new GetJobQuery({ jobId: 'j', timeoutMs: Infinity })],
    ['nonsense', new GetJobQuery({ jobId: 'j', nonsense: 1 } as never)],
    ['limit', new ListJobsQuery({ limit: 0 })],
    ['limit', new ListJobsQuery({ limit: 1_001 })],
    ['status[0]', new ListJobsQuery({ status: ['weird' as never] })],
    ['status', new ListJobsQuery({ status: 'bound' as never })],
    ['tag.a', new ListJobsQuery({ tag: { a: 1 as never } })],
    ['serviceId', new ListJobsQuery({ serviceId: '' })],
    ['handler', new ListJobsQuery({ handler: 'a b' })],
    ['nextRunFrom', new ListJobsQuery({ nextRunFrom: '2026-01-01' })],
    ['nextRunBefore', new ListJobsQuery({ nextRunBefore: NaN })],
    ['includeRemoved', new ListJobsQuery({ includeRemoved: 'yes' as never })],
    ['cursor', new ListJobsQuery({ cursor: 'nonsense' })],
    ['at', new DueJobsQuery({ serviceId: 'a', at: 'now' })],
    ['serviceId', new GetNextRunTimeQuery({ serviceId: ' ' })],
    ['serviceId', new GetServiceQuery({ serviceId: 'x'.repeat(129) })],
    ['includeGone', new ListServicesQuery({ includeGone: 1 as never })],
  ])('refuse a wrong %s, with the rule and the remedy', async (field, query) => {
    const error = await queries.ask(query as GetJobQuery).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(QueryRefusedError);
    const [refusal] = (error as QueryRefusedError).refusals;
    expect(refusal).toMatchObject({ field, code: expect.any(String) });
    expect(refusal.rule.length).toBeGreaterThan(10);
    expect(refusal.remedy.length).toBeGreaterThan(5);
  });

  it('come over the QueryBus of Nest', async () => {
    await log.job('j', scheduled('j', 1), bound('a', 'a1'));
    await log.applied(view);

    @Module({ imports: [CqrsModule], providers: [{ provide: Queries, useValue: queries }, ...queryHandlers] })
    class App {}

    const app = await Test.createTestingModule({ imports: [App] }).compile();
    await app.init();
    const bus = app.get(QueryBus);
    expect(await bus.execute(new GetJobQuery({ jobId: 'j' }))).toMatchObject({ jobId: 'j' });
    expect((await bus.execute(new ListJobsQuery())).rows).toHaveLength(1);
    expect((await bus.execute(new DueJobsQuery({ serviceId: 'a', at: slot(1) }))).rows).toHaveLength(1);
    expect(await bus.execute(new GetNextRunTimeQuery({ serviceId: 'a' }))).toMatchObject({ nextRunTime: T0 + 1_000 });
    expect(await bus.execute(new GetServiceQuery({ serviceId: 'a' }))).toMatchObject({ serviceId: 'a' });
    expect((await bus.execute(new ListServicesQuery())).rows).toHaveLength(2);
    await expect(bus.execute(new GetJobQuery({ jobId: '' }))).rejects.toThrow(QueryRefusedError);
    await app.close();
  });
});
