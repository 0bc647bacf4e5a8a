import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../../src/clock';
import { StandIn } from '../eventstoredb/stand-in';

const PROGRAM = join(__dirname, '../../build/examples/compose/app.js');
const clock = new SystemClock();

async function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = clock.monotonic() + 60_000; ;) {
    const found = await look();
    if (found) return found as NonNullable<T>;
    if (clock.monotonic() > end) throw new Error(`waited in vain for ${what}`);
    await clock.sleep(50);
  }
}

describe('the application of docker-compose.yml, three times on one log', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-compose-'));
  const replicas = new Map<string, { readonly child: ChildProcess; out: string }>();
  let server: StandIn;

  beforeAll(async () => {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run "npm run build:all" first.`);
    server = await StandIn.start();
    for (const id of ['app-1', 'app-2', 'app-3']) {
      const env = {
        HOLDFAST_ID: id,
        HOLDFAST_STATE: join(folder, id),
        PORT: '0',
        HOLDFAST_EVENTSTOREDB_URL: server.connectionString,
      };
      const child = spawn(process.execPath, [PROGRAM], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const replica = { child, out: '' };
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (part: Buffer) => (replica.out += part.toString()));
      replicas.set(id, replica);
    }
  });
  afterAll(async () => {
    const ends = [...replicas.values()].map(({ child }) => new Promise((resolve) => child.once('close', resolve)));
    for (const { child } of replicas.values()) if (!child.kill('SIGTERM')) child.emit('close');
    await Promise.all(ends);
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('answers for its health, runs its jobs, and another goes on when the owner is killed', async () => {
    const url = await until('an address', () => /listens on (\S+)/.exec(replicas.get('app-2')?.out ?? '')?.[1]);
    await until('readiness', async () => (await fetch(`${url}/health/ready`)).status === 200);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const ticks = () => [...replicas].filter(([, { out }]) => /^tick .*Z on /m.test(out)).map(([id]) => id);
    const [owner] = await until('a tick', () => (ticks().length > 0 ? ticks() : null));
    const { jobs } = (await (await fetch(url)).json()) as { jobs: { jobId: string }[] };
    expect(jobs.map(({ jobId }) => jobId)).toEqual(['report', 'sweep', 'tick']);
    if (owner !== 'app-2') expect(replicas.get('app-2')?.out).not.toMatch(/^tick/m);
    replicas.get(owner)?.child.kill('SIGKILL');
    const next = await until('a tick elsewhere', () => ticks().find((id) => id !== owner));
    expect(replicas.get(next)?.out).toMatch(/^tick .*epoch 2/m);
  }, 120_000);
});
