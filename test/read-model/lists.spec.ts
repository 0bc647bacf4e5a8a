import { ALog, T0, bound, cancelled, paused, registered, removed, run, scheduled, slot, started } from './a-log';
import type { JobFilter, SqliteReadModel } from '../../src/read-model';
import { BadCursorError } from '../../src/read-model';

describe('pages of jobs', () => {
  let log: ALog;
  let view: SqliteReadModel;
  beforeEach(async () => {
    log = new ALog();
    await log.service('a', registered('a', 'a1'));
    view = await log.view();
  });
  afterEach(() => log.close());

  const ids = (filter: JobFilter) => view.jobs(filter, { limit: 100 }).rows.map((row) => row.jobId);
  const walk = (filter: JobFilter, limit: number): string[][] => {
    const pages: string[][] = [];
    let after: string | null = null;
    do {
      const page: ReturnType<SqliteReadModel['jobs']> = view.jobs(filter, { limit, after });
      pages.push(page.rows.map((row) => row.jobId));
      after = page.next;
    } while (after !== null);
    return pages;
  };

  it('filters by every condition, alone and together', async () => {
    await log.job('1', scheduled('1', 10, { tag: { env: 'x', team: 't' } }), bound('a', 'a1'));
    await log.job('2', scheduled('2', 20, { tag: { env: 'x' }, handler: 'h2' }));
    await log.job(
      '3',
      scheduled('3', 30, { tag: { env: 'y', team: 't' } }),
      bound('a', 'a1'),
      started('a', run('a1', slot(30)), slot(90)),
    );
    await log.job('4', scheduled('4', 40), bound('a', 'a1'), paused);
    await log.job('5', scheduled('5', 50), cancelled, removed);
    await log.job('6', scheduled('6', 60), cancelled);
    await log.applied(view);
    expect(ids({})).toEqual(['1', '2', '3', '4', '6']);
    expect(ids({ includeRemoved: true })).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(ids({ status: ['removed'] })).toEqual(['5']);
    expect(ids({ status: ['bound', 'running'] })).toEqual(['1', '3']);
    expect(ids({ status: [] })).toEqual([]);
    expect(ids({ serviceId: 'a' })).toEqual(['1', '3', '4']);
    expect(ids({ serviceId: null })).toEqual(['2', '6']);
    expect(ids({ serviceId: null, status: ['unbound'] })).toEqual(['2']);
    expect(ids({ serviceId: 'nobody' })).toEqual([]);
    expect(ids({ serviceId: 'a', status: ['cancelled'] })).toEqual([]);
    expect(ids({ handler: 'h2' })).toEqual(['2']);
    expect(ids({ tag: { env: 'x' } })).toEqual(['1', '2']);
    expect(ids({ tag: { env: 'x', team: 't' } })).toEqual(['1']);
    expect(ids({ tag: { env: 'x', team: 'u' } })).toEqual([]);
    expect(ids({ tag: {} })).toEqual(['1', '2', '3', '4', '6']);
    expect(ids({ tag: { env: 'x' }, serviceId: 'a' })).toEqual(['1']);
    expect(ids({ nextRunFrom: T0 + 10_000, nextRunBefore: T0 + 20_000 })).toEqual(['1']);
    expect(ids({ nextRunFrom: T0 + 10_000 })).toEqual(['1', '2']);
    expect(ids({ nextRunBefore: T0 + 20_001, serviceId: null })).toEqual(['2']);
  });

  it.each([
    ['quotes', `a"b'c`, `"; DROP TABLE jobs; --`],
    ['wildcards', '%_*?', '100%'],
    ['other scripts', 'größe', '日本語 😀'],
    ['white space', ' ', '\n\t '],
    ['JSON', '{"a":1}', '[null]'],
    ['a NUL', 'a\u0000b', '\u0000'],
    ['lone surrogates', '\ud800', 'x\udfff'],
    ['names of Object', 'toString', 'constructor'],
    ['an empty value', 'k', ''],
  ])('finds tags with %s, and only those', async (_, key, value) => {
    await log.job('it', scheduled('it', 60, { tag: { [key]: value, other: 'o' } }));
    await log.job('near', scheduled('near', 60, { tag: { [key]: `${value}x`, [`${key}x`]: value } }));
    await log.job('replaced', scheduled('replaced', 60, { tag: { '\ufffd': 'x\ufffd' } }));
    await log.applied(view);
    expect(ids({ tag: { [key]: value } })).toEqual(['it']);
    expect(ids({ tag: { [key]: value, other: 'o' } })).toEqual(['it']);
    expect(view.job('it')?.tag).toEqual({ [key]: value, other: 'o' });
  });

  it('finds no tag in the prototype of objects', async () => {
    await log.job('it', scheduled('it'));
    await log.applied(view);
    expect(ids({ tag: { toString: 'x' } })).toEqual([]);
  });

  it('follows a changed tag', async () => {
    const event = scheduled('j', 60, { tag: { a: '1', b: '2' } });
    await log.job('j', event);
    await log.applied(view);
    const again = scheduled('j', 60, { tag: { a: '2', b: '2' } });
    const { definition, definitionHash, anchor, nextSlot, zoneData, at } = again.data as never as Record<string, never>;
    await log.job('j', {
      type: 'JobRescheduled',
      data: { definition, definitionHash, anchor, nextSlot, zoneData, at },
    });
    await log.applied(view);
    expect(ids({ tag: { a: '1' } })).toEqual([]);
    expect(ids({ tag: { a: '2' } })).toEqual(['j']);
    expect(ids({ tag: { b: '2' } })).toEqual(['j']);
  });

  it('come in whole and end, at every size', async () => {
    const all = [...'abcdefg'];
    for (const id of all) await log.job(id, scheduled(id, 100 - id.charCodeAt(0) / 2, { tag: { t: 'x' } }));
    await log.applied(view);
    for (const limit of [1, 2, 3, 6, 7, 8]) {
      expect(walk({}, limit).flat()).toEqual(all);
      expect(walk({ tag: { t: 'x' } }, limit).flat()).toEqual(all);
      expect(walk({ nextRunFrom: 0 }, limit).flat()).toEqual([...all].reverse());
      expect(walk({}, limit).every((page) => page.length <= limit)).toBe(true);
    }
    expect(walk({}, 7)).toHaveLength(1);
  });

  it('show a job that was there all the time exactly once, whatever changes between pages', async () => {
    for (let i = 10; i < 40; i++) await log.job(`j${i}`, scheduled(`j${i}`));
    await log.applied(view);
    const seen: string[] = [];
    let after: string | null = null;
    let round = 0;
    do {
      const page: ReturnType<SqliteReadModel['jobs']> = view.jobs({}, { limit: 4, after });
      seen.push(...page.rows.map((row) => row.jobId));
      after = page.next;
      round += 1;
      // Behind and before the cursor: new ones, and changes of status that move rows in the index.
      await log.job(`j1${round}x`, scheduled(`j1${round}x`));
      await log.job(`j3${round}x`, scheduled(`j3${round}x`));
      await log.job(`j${10 + round}`, paused);
      await log.job(`j${39 - round}`, bound('a', 'a1'));
      await log.applied(view);
    } while (after !== null);
    const old = Array.from({ length: 30 }, (_, i) => `j${i + 10}`);
    expect(seen.filter((id) => old.includes(id))).toEqual(old);
  });

  it('give others their turn when hardly anything matches', async () => {
    const events = Array.from({ length: 10_050 }, (_, i) => `n${String(i).padStart(5, '0')}`);
    for (const id of events) await log.job(id, scheduled(id, 60, { tag: { big: 'yes' } }));
    await log.job('z', scheduled('z', 60, { handler: 'audit', tag: { big: 'yes', rare: 'no' } }));
    await log.applied(view);
    const first = view.jobs({ tag: { big: 'yes' }, nextRunFrom: 0, handler: 'none' }, { limit: 10 });
    expect(first.rows).toEqual([]);
    expect(first.next).not.toBeNull();
    expect(view.jobs({ tag: { rare: 'no', big: 'yes' } }, { limit: 10 })).toMatchObject({
      rows: [{ jobId: 'z' }],
      next: null,
    });
  });

  it('refuse a cursor that is none, or of another order', async () => {
    for (const id of ['a', 'b']) await log.job(id, scheduled(id));
    await log.applied(view);
    const byId = view.jobs({}, { limit: 1 }).next!;
    const byTime = view.jobs({ nextRunFrom: 0 }, { limit: 1 }).next!;
    for (const [filter, after] of [
      [{}, 'nonsense'],
      [{}, byTime],
      [{ nextRunFrom: 0 }, byId],
      [{}, Buffer.from('{"0":"a"}').toString('base64url')],
    ] as const) {
      expect(() => view.jobs(filter, { limit: 1, after })).toThrow(BadCursorError);
    }
  });
});
