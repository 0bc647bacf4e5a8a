import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Peer } from './peers';

const UP_WITHIN_MS = 20_000;

/** A server of our own: its data in a directory of the round, on a free port of this machine only. */
export interface Server {
  readonly port: number;
  readonly version: string;
  /** What differs from the packaged defaults. */
  readonly settings: string;
  stop(): Promise<void>;
}

/** @throws Error that names what is missing, and how to get it. */
export function startServer(kind: Peer['server'], directory: string): Promise<Server> {
  return kind === 'redis' ? startRedis(directory) : startPostgres(directory);
}

async function startRedis(directory: string): Promise<Server> {
  const version = versionOf('redis-server', 'redis-server');
  const port = await freePort();
  // As BullMQ's guide for production says: append-only file, synced every second; nothing is evicted.
  const settings = [
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ];
  const child = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, ...settings], {
    stdio: 'ignore',
  });
  await up(child, port, 'redis-server');
  return {
    port,
    version,
    settings: settings.map((word) => word || "''").join(' '),
    stop: () => stop(child, 'SIGTERM'),
  };
}

async function startPostgres(directory: string): Promise<Server> {
  const bin = postgresBin();
  const version = versionOf(join(bin, 'postgres'), 'postgresql');
  const owner = unprivileged();
  // Its owner must reach what is his. Both directories are the round's own.
  for (const above of [directory, dirname(directory)]) chmodSync(above, 0o711);
  const data = join(directory, 'data');
  mkdirSync(data, { mode: 0o700 });
  if (owner) chownSync(data, owner.uid, owner.gid);
  await promisify(execFile)(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'], {
    ...owner,
    cwd: data,
  });
  const port = await freePort();
  const settings = ['shared_buffers=256MB', 'max_connections=200'];
  const args = [
    '-D',
    data,
    '-p',
    `${port}`,
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${data}`,
  ];
  const given = settings.flatMap((setting) => ['-c', setting]);
  const child = spawn(join(bin, 'postgres'), [...args, ...given], { ...owner, cwd: data, stdio: 'ignore' });
  await up(child, port, 'postgres');
  // Fast shutdown: whoever is still connected is not waited for.
  return { port, version, settings: settings.join(' '), stop: () => stop(child, 'SIGINT') };
}

function postgresBin(): string {
  try {
    const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
    if (versions.length > 0) return join('/usr/lib/postgresql', versions[0], 'bin');
  } catch {
    // No such directory: the same as an empty one.
  }
  throw new Error('PostgreSQL is not installed (apt-get install postgresql)');
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function versionOf(command: string, debianPackage: string): string {
  try {
    return execFileSync(command, ['--version'], { encoding: 'utf8' }).match(/\d+(\.\d+)+/)?.[0] ?? 'of unknown version';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`${command} is not installed (apt-get install ${debianPackage})`, { cause: error });
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function up(child: ChildProcess, port: number, name: string): Promise<void> {
  const deadline = performance.now() + UP_WITHIN_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`${name} ended with code ${child.exitCode} as it was started`);
    if (performance.now() > deadline) {
      await stop(child, 'SIGKILL');
      throw new Error(`${name} did not answer within ${UP_WITHIN_MS / 1_000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // PostgreSQL listens a moment before it takes anybody in.
  await new Promise((resolve) => setTimeout(resolve, 500));
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => (socket.destroy(), resolve(true)));
    socket.on('error', () => resolve(false));
  });
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(patience);
}

/** Installs the packages into a directory of their own, without running their scripts. */
export async function install(packages: Peer['packages'], directory: string): Promise<void> {
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ private: true, dependencies: packages }));
  const args = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--silent'];
  await promisify(execFile)('npm', args, { cwd: directory });
}
