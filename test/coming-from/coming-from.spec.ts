import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Type } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Jobs, Queries, verifyLog, type HoldfastOptions } from '../../src';
import { HoldfastTesting, HoldfastTestingModule } from '../../src/testing';
import { Maintenance } from './agenda';
import { Audits } from './apscheduler';
import { Reports } from './bullmq';
import { Digests } from './pg-boss';

const pages = [
  ['bullmq', 'coming-from-bullmq.md'],
  ['pg-boss', 'coming-from-pg-boss.md'],
  ['agenda', 'coming-from-agenda.md'],
  ['apscheduler', 'apscheduler.md'],
] as const;

describe('the pages for those who come from elsewhere', () => {
  it.each(pages)('show the example that runs here: %s', (example, page) => {
    const shown = /```ts\n([^`]*'holdfast'[^]*?)```/.exec(
      readFileSync(join(__dirname, '../../docs', page), 'utf8'),
    )?.[1];
    expect(shown).toBe(readFileSync(join(__dirname, `${example}.ts`), 'utf8'));
  });

  it.each(pages)('name the version that they speak of, and are found from the README: %s', (_, page) => {
    const root = join(__dirname, '../..');
    expect(readFileSync(join(root, 'docs', page), 'utf8')).toMatch(/\b\d+\.\d+(\.\d+|\.x)?\b/);
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`(docs/${page})`);
  });
});

describe('the examples', () => {
  let app: TestingModule;
  let testing: HoldfastTesting;

  /** Beats are rare, so that days pass quickly. */
  const rare = { beatMs: 3_600_000, selfFenceAfterMs: 14_400_000, failAfterMs: 21_600_000 };
  const start = async (provider: Type, now: string, options: HoldfastOptions | object = {}) => {
    app = await Test.createTestingModule({
      imports: [HoldfastTestingModule.forRoot({ liveness: rare, ...options }, { now: new Date(now) })],
      providers: [provider],
    }).compile();
    await app.init();
    testing = app.get(HoldfastTesting);
  };
  afterEach(async () => {
    expect((await verifyLog(testing.store)).violations).toEqual([]);
    await testing.close();
    await app.close();
  });

  it('BullMQ: each day once in its zone, retried, and scheduled again by every start without a fact', async () => {
    await start(Reports, '2026-03-28T12:00:00Z');
    const reports = app.get(Reports);
    expect(await testing.during(reports.onApplicationBootstrap())).toMatchObject({ added: 0 });
    await testing.advance('1d 15h');
    // The clocks go forward in the first of these nights.
    expect(reports.written).toEqual([
      'sales 2026-03-29T01:15:00.000Z, attempt 2',
      'sales 2026-03-30T01:15:00.000Z, attempt 2',
    ]);
  });

  it('pg-boss: one job per region; what was missed for longer than a minute is skipped, and said', async () => {
    await start(Digests, '2026-01-01T11:00:00Z');
    const digests = app.get(Digests);
    await testing.advance('1h 30m');
    expect(digests.sent).toEqual(['us 2026-01-01T12:00:00.000Z']);
    await testing.during(app.get(Jobs).pause('digest-us'));
    await testing.advance('1d');
    await testing.during(app.get(Jobs).resume('digest-us'));
    await testing.advance('1d');
    expect(digests.sent).toEqual([
      'us 2026-01-01T12:00:00.000Z',
      'eu 2026-01-02T00:00:00.000Z',
      'eu 2026-01-03T00:00:00.000Z',
      'us 2026-01-03T12:00:00.000Z',
    ]);
  });

  it('Agenda: an interval that keeps its beat, and working days at noon with jitter', async () => {
    await start(Maintenance, '2026-01-02T10:50:00Z');
    const maintenance = app.get(Maintenance);
    await testing.advance('10m');
    const purged = maintenance.done.filter((line) => line.startsWith('purge'));
    expect(purged).toHaveLength(3);
    const at = purged.map((line) => Date.parse(line.slice('purge '.length)));
    expect([at[1] - at[0], at[2] - at[1]]).toEqual([180_000, 180_000]);
    await testing.advance('4h');
    const { nextRunTime } = (await app.get(Queries).job('remind'))!;
    // Friday's was run; the next is on Monday, up to five minutes after noon.
    expect(maintenance.done.filter((line) => line.startsWith('remind'))).toEqual(['remind 2026-01-02T11:00:00.000Z']);
    expect(nextRunTime! - Date.parse('2026-01-05T11:00:00Z')).toBeGreaterThanOrEqual(0);
    expect(nextRunTime! - Date.parse('2026-01-05T11:00:00Z')).toBeLessThanOrEqual(300_000);
  });

  it('APScheduler: by the tag on an engine, every other hour of a working day, up to two minutes later', async () => {
    await start(Audits, '2026-01-02T13:00:00Z', { service: { name: 'engine', host: 'test' } });
    const audits = app.get(Audits);
    await testing.advance('1h 30m');
    await testing.expectOwner('audit-load', 'engine@test');
    expect(audits.made).toEqual(['load 2026-01-02T14:00:00.000Z']);
  });
});
