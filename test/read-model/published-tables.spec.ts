import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { VIEW_DDL } from '../../src/read-model';
import { ALog } from './a-log';

const real = Database.prototype.prepare;

describe('the published tables', () => {
  it('are those of docs/read-model.md', () => {
    const page = readFileSync(join(__dirname, '../../docs/read-model.md'), 'utf8');
    expect(page).toContain(VIEW_DDL.trim());
  });

  it('are those of the file, with the columns that users were promised', () => {
    const db = new Database(':memory:');
    db.exec(VIEW_DDL);
    const columns = (table: string) =>
      (db.pragma(`table_info(${table})`) as { name: string }[]).map((column) => column.name);
    expect(columns('jobs')).toEqual(
      expect.arrayContaining(
        'id next_run_time job_state service_id tag status handler epoch incarnation attempt priority revision position last_outcome'.split(
          ' ',
        ),
      ),
    );
    expect(columns('services')).toEqual(expect.arrayContaining(['id', 'life', 'incarnation', 'revision', 'position']));
    expect(db.pragma('foreign_key_list(jobs)')).toMatchObject([{ table: 'services', from: 'service_id', to: 'id' }]);
    db.close();
  });

  it('answer by index: no statement of the view reads all jobs, or sorts them', async () => {
    const asked = new Set<string>();
    const prepare = jest.spyOn(Database.prototype, 'prepare').mockImplementation(function (
      this: Database.Database,
      sql: string,
    ) {
      asked.add(sql);
      return real.call(this, sql);
    });
    const log = new ALog();
    await log.view();
    await log.close();
    prepare.mockRestore();
    const db = new Database(':memory:');
    db.exec(VIEW_DDL);
    const ofJobs = [...asked].filter(
      (sql) => /^\s*(SELECT|UPDATE|DELETE)/.test(sql) && /\b(jobs|job_tags)\b/.test(sql),
    );
    expect(ofJobs.length).toBeGreaterThan(15);
    for (const sql of ofJobs) {
      const steps = (db.prepare(`EXPLAIN QUERY PLAN ${sql.replaceAll('?', '1')}`).all() as { detail: string }[]).map(
        (step) => step.detail,
      );
      expect([sql, steps.filter((step) => /SCAN (jobs|job_tags)\b|TEMP B-TREE/.test(step))]).toEqual([sql, []]);
    }
    db.close();
  });
});
