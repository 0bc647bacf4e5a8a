import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ledger } from '../../examples/decision-engine/ledger';
import { openLog } from '../../examples/decision-engine/log';
import { approachOf, recommend } from '../../examples/decision-engine/strategies';

const root = join(__dirname, '../..');

/** `npm run audits`: the command line beside the demo, on a log that no engine works on. */
describe('the command line of the audits', () => {
  let state: string;
  beforeAll(async () => {
    mkdirSync(join(root, '.holdfast'), { recursive: true });
    state = mkdtempSync(join(root, '.holdfast', 'audits-'));
    mkdirSync(join(state, 'tmp'));
    await (await openLog({ path: join(state, 'log.sqlite') })).close();
  });
  afterAll(() => rmSync(state, { recursive: true, force: true }));

  const audits = (...args: string[]) =>
    new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
      const script = join(root, 'build/examples/decision-engine/cli.js');
      const env = { ...process.env, TMPDIR: join(state, 'tmp') };
      const child = spawn(process.execPath, [script, ...args, '--state', state], { env });
      let [out, err] = ['', ''];
      child.stdout.on('data', (chunk) => (out += String(chunk)));
      child.stderr.on('data', (chunk) => (err += String(chunk)));
      child.on('close', (code) => resolve({ code, out, err }));
    });
  const file = (content: unknown) => {
    const path = join(state, 'spec.json');
    writeFileSync(path, JSON.stringify(content));
    return path;
  };

  it('hands audits in, changes, cancels and deletes them, and lists them', async () => {
    const specs = [
      { id: 'audit-a', type: 'CONTINUOUS', goal: 'workload-balancing', interval: '300' },
      { id: 'audit-b', type: 'EVENT', goal: 'dummy' },
    ];
    expect(await audits('create', file(specs))).toMatchObject({
      code: 0,
      out: expect.stringMatching(/audit-a +CONTINUOUS +PENDING.*\naudit-b +EVENT +PENDING/),
    });
    expect(await audits('update', 'audit-a', '{"interval":"PT10M"}')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/audit-a .* PT10M/),
    });
    expect(await audits('trigger', 'audit-b', '--reason', 'an alarm')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/audit-b +EVENT +ONGOING/),
    });
    expect(await audits('cancel', 'audit-a')).toMatchObject({ code: 0, out: expect.stringContaining('CANCELLED') });
    expect(await audits('delete', 'audit-a')).toMatchObject({ code: 0, out: expect.stringContaining('DELETED') });
    const { out } = await audits('list', '--json');
    expect(JSON.parse(out)).toMatchObject([{ id: 'audit-b', type: 'EVENT', state: 'ONGOING', goal: 'dummy' }]);
    expect(await audits('engines', '--json')).toMatchObject({ code: 0, out: '[]\n' });
    const all = await audits('list', '--deleted');
    expect(all.out.split('\n').map((line) => line.split(' ')[0])).toEqual(['audit', 'audit-a', 'audit-b', '']);
  }, 120_000);

  it('says why something is refused: field, value, rule, remedy', async () => {
    const once = { id: 'audit-c', type: 'ONESHOT', goal: 'dummy' };
    expect(await audits('create', file({ ...once, interval: '300' }))).toMatchObject({
      code: 1,
      err: 'interval = 300: A ONESHOT audit has none. Leave it out, or make the audit CONTINUOUS.\n',
    });
    expect(await audits('create', file(once))).toMatchObject({ code: 0 });
    expect(await audits('suspend', 'audit-c')).toMatchObject({
      code: 1,
      err: 'state = SUSPENDED: An audit that is PENDING cannot become SUSPENDED. Wait for its first run, or cancel it.\n',
    });
  }, 60_000);

  it('prints plans, for people and for programs', async () => {
    const ledger = new Ledger(join(state, 'ledger.sqlite'));
    const hosts = ['node-1', 'node-2'].map((name) => ({
      name,
      zone: 'z',
      cpus: 4,
      memoryMiB: 4_096,
      own: { cpus: 0, memoryMiB: 0 },
    }));
    const instances = ['web', 'db'].map((name, n) => ({ name, host: `node-${n + 1}`, cpus: 1, memoryMiB: 512 }));
    const approach = approachOf('server-consolidation', undefined);
    if (!approach.ok) throw new Error();
    const plan = recommend({ hosts, instances }, approach.value, {}, { audit: 'audit-p', slot: 'manual:1' });
    const entry = { job: 'audit-p', slot: 'manual:1', attempt: 1, token: 1, engine: 'e', incarnation: 'i' };
    ledger.finish(ledger.enter(entry), entry, plan);
    ledger.close();
    expect(await audits('plan', 'audit-p')).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        /^RECOMMENDED\nPlan of audit-p .*\n +1\. migrate web: node-1 → node-2\n +2\. release node-1/,
      ),
    });
    const { out } = await audits('plan', 'audit-p', '--json');
    expect(JSON.parse(out)).toEqual([{ state: 'RECOMMENDED', plan }]);
  }, 60_000);

  it('tells what is not there, and what it does not understand', async () => {
    expect(await audits('show', 'audit-x')).toMatchObject({ code: 1, err: 'audit-x: there is no such audit.\n' });
    expect(await audits('plan', 'audit-x')).toMatchObject({ code: 1, err: expect.stringContaining('no plan') });
    expect(await audits('trigger', 'audit-x')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^id = audit-x: /),
    });
    const wrong = [[], ['dance'], ['show'], ['update', 'audit-x'], ['update', 'audit-x', '{'], ['list', '--loud']];
    for (const answer of await Promise.all(wrong.map((args) => audits(...args))))
      expect(answer).toMatchObject({ code: 2, err: expect.stringContaining('Usage: npm run audits') });
    expect(await audits('--help')).toMatchObject({ code: 0, out: expect.stringContaining('trigger <id>') });
  }, 120_000);

  it('leaves nothing behind', () => {
    expect(readdirSync(join(state, 'tmp'))).toEqual([]);
  });
});
