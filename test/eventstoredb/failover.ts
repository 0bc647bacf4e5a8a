import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyLog, type VerifyReport } from '../../src/audit';
import { SystemClock } from '../../src/clock';
import { jobType } from '../../src/commands';
import { HoldfastService, resolveOptions } from '../../src/runtime';
import { Fleet, type Said } from '../processes/fleet';
import { freshNamespace, openLog } from './log-of-its-own';

const program = join(__dirname, '../../build/test/processes/service.js');
const clock = new SystemClock();
const Work = jobType<{ ms: number }>('work');
const names = ['a', 'b', 'c'];
const serviceOf = (name: string) => `${name}@test`;

/**
 * The main job with processes of their own, against any server: three services; one of them is killed (SIGKILL) in the midst of long runs,
 * its jobs move and run on, it comes back. The default profile.
 */
export async function failoverOfProcesses(connection: string): Promise<{
  readonly report: VerifyReport;
  readonly moved: number;
  readonly takeoverMs: number;
}> {
  const namespace = freshNamespace();
  const stateDirectory = mkdtempSync(join(tmpdir(), 'holdfast-failover-'));
  const heard: { readonly name: string; readonly said: Said }[] = [];
  const fleet = new Fleet(program, { connection, namespace, stateDirectory, liveness: 'default' }, (name, said) =>
    heard.push({ name, said }),
  );
  const client = await HoldfastService.open(
    resolveOptions({
      service: { name: 'client', host: 'test' },
      role: 'web-only',
      store: { kind: 'eventstoredb', connection },
      namespace,
      stateDirectory,
    }),
  );
  const jobs = Array.from({ length: 30 }, (_, n) => ({ id: `job-${n}`, long: n % 5 === 0 }));
  const owner = (id: string) => client.readModel.job(id)?.serviceId;
  const runsOf = (name: string) => heard.filter((one) => one.name === name && one.said.kind === 'run').length;
  try {
    await client.start();
    for (const name of names) fleet.start(name);
    await until('three services are ready', () => fleet.running.length === 3 && fleet.ready, 60_000);
    for (const { id, long } of jobs) {
      const every = long ? 3_000 : 500;
      await client.jobs.schedule(Work, { ms: long ? 2_000 : 0 }, { id, schedule: { kind: 'interval', every } });
    }
    await until('an owner for each', () => jobs.every(({ id }) => typeof owner(id) === 'string'));
    await until('runs everywhere', () => names.every((name) => runsOf(name) >= 5));
    const running = () => jobs.find(({ id, long }) => long && client.readModel.job(id)?.status === 'running');
    await until('a long run', () => running() !== undefined);
    const victim = names.find((name) => serviceOf(name) === owner(running()?.id ?? '')) ?? 'a';
    const its = jobs.filter(({ id }) => owner(id) === serviceOf(victim));
    const survivors = names.filter((name) => name !== victim).map(serviceOf);
    const killedAt = clock.monotonic();
    await fleet.kill(victim);
    await until('the survivors own all', () => jobs.every(({ id }) => survivors.includes(owner(id) ?? '')));
    const takeoverMs = Math.round(clock.monotonic() - killedAt);
    const from = heard.length;
    await until('each of its jobs runs elsewhere', () => {
      const ran = new Set(heard.slice(from).map(({ said }) => (said.kind === 'run' ? said.jobId : '')));
      return its.every(({ id }) => ran.has(id));
    });
    fleet.start(victim);
    await until('it is back', () => fleet.running.length === 3 && fleet.ready);
    await fleet.close();
    return { report: await verify(connection, namespace), moved: its.length, takeoverMs };
  } finally {
    await fleet.close();
    await client.close();
    rmSync(stateDirectory, { recursive: true, force: true });
  }
}

async function verify(connection: string, namespace: string): Promise<VerifyReport> {
  const store = await openLog(connection, namespace, { names: 'full', readOnly: true });
  try {
    return await verifyLog(store, { namespace });
  } finally {
    await store.close();
  }
}

async function until(what: string, condition: () => boolean, ms = 30_000): Promise<void> {
  const begun = clock.monotonic();
  while (!condition()) {
    if (clock.monotonic() - begun > ms) throw new Error(`waited in vain for: ${what}`);
    await clock.sleep(20);
  }
}
