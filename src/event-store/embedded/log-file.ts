import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  statSync,
  statfsSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { StoreUnusableError } from '../port';
import { WRITABLE, codeOf, messageOf, unusable } from './errors';

/** `HOLD`: SQLite files that carry it are Holdfast logs. */
export const APPLICATION_ID = 0x484f4c44;
export const FILE_MODE = 0o600;
const MAGIC = 'SQLite format 3\0';

/** Checks what can be known without opening it as a database. Returns the real path. @throws StoreUnusableError */
export function checkLogFile(path: string, readOnly: boolean): string {
  if (typeof path !== 'string' || path.trim() === '' || path.includes('\0') || /^(:memory:|file:)/.test(path))
    throw new StoreUnusableError(
      'path',
      `The path of the log is ${JSON.stringify(path)}; it must name a file.`,
      'Set it to a file in an existing directory.',
    );
  try {
    const directory = checkDirectory(resolve(dirname(path)), readOnly);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) {
      if (readOnly)
        throw new StoreUnusableError(
          'path',
          `There is no log at ${path}.`,
          'Check the path; a log that is only read must exist.',
        );
      return join(directory, basename(path));
    }
    if (!stats.isFile())
      throw new StoreUnusableError('path', `${path} is no regular file.`, 'Choose the path of a file.');
    const real = realpathSync(path);
    if (!readOnly && (!mayWrite(real) || nobodyWrites(stats.mode)))
      throw readOnlyError(`The file ${path} is read-only.`);
    checkHeader(real, stats.size);
    return real;
  } catch (error) {
    throw unusable(path, error);
  }
}

function checkDirectory(directory: string, readOnly: boolean): string {
  const stats = statSync(directory, { throwIfNoEntry: false });
  if (stats === undefined)
    throw new StoreUnusableError(
      'path',
      `The directory ${directory} does not exist.`,
      'Create it, or choose another path.',
    );
  if (!stats.isDirectory())
    throw new StoreUnusableError('path', `${directory} is no directory.`, 'Choose another path for the log.');
  if (!readOnly && (!mayWrite(directory) || nobodyWrites(stats.mode)))
    throw readOnlyError(`The directory ${directory} is read-only; SQLite keeps files beside the log.`);
  const network = networkFileSystem(statfsSync(directory).type, () => mountType(realpathSync(directory)));
  if (network !== null)
    throw new StoreUnusableError(
      'network-file-system',
      `The directory ${directory} is on a network file system (${network}), where SQLite’s locks and shared memory cannot be trusted.`,
      'Put the log on a local disk; to share a log between machines use EventStoreDB.',
    );
  return realpathSync(directory);
}

/** Not even its owner: somebody has put it out of use on purpose, which binds the superuser too. */
function nobodyWrites(mode: number): boolean {
  return (mode & 0o222) === 0;
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    if (['EACCES', 'EROFS', 'EPERM'].includes(codeOf(error))) return false;
    throw error;
  }
}

function readOnlyError(message: string): StoreUnusableError {
  return new StoreUnusableError('read-only', message, WRITABLE);
}

/** Refuses what is no log of ours before SQLite opens it, because opening may change it. */
function checkHeader(path: string, size: number): void {
  if (size === 0) return;
  const header = Buffer.alloc(100);
  const fd = openSync(path, 'r');
  let length: number;
  try {
    length = readSync(fd, header, 0, 100, 0);
  } finally {
    closeSync(fd);
  }
  if (length < 100 || header.toString('latin1', 0, 16) !== MAGIC)
    throw foreign(path, 'it is no SQLite file (or its beginning is damaged)');
  const application = header.readUInt32BE(68);
  if (application !== APPLICATION_ID) throw foreign(path, 'it is a SQLite file of another application');
}

function foreign(path: string, what: string): StoreUnusableError {
  return new StoreUnusableError(
    'foreign',
    `The file ${path} is no Holdfast log: ${what}.`,
    'Choose another path; the file was not touched.',
  );
}

/** Creates the file if need be, for its owner only; so are those that SQLite lays beside it. */
export function ensureMode(path: string, onProblem: (message: string) => void): void {
  closeSync(openSync(path, 'a', FILE_MODE));
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats === undefined || (stats.mode & 0o777) === FILE_MODE) continue;
    try {
      chmodSync(file, FILE_MODE);
    } catch (error) {
      onProblem(messageOf(error));
    }
  }
}

/** Types of `statfs` (Linux). */
const NETWORK: ReadonlyMap<number, string> = new Map([
  [0x6969, 'nfs'],
  [0x517b, 'smb'],
  [0xff534d42, 'cifs'],
  [0xfe534d42, 'smb2'],
  [0x01021997, '9p'],
  [0x5346414f, 'afs'],
  [0x6b414653, 'afs'],
  [0x73757245, 'coda'],
  [0x00c36400, 'ceph'],
  [0x0bd00bd0, 'lustre'],
  [0x47504653, 'gpfs'],
  [0x01161970, 'gfs2'],
  [0x7461636f, 'ocfs2'],
  [0x564c, 'ncp'],
]);
const FUSE = 0x65735546;
const NETWORK_FUSE =
  /^fuse\.(sshfs|glusterfs|ceph|ceph-fuse|s3fs|rclone|gcsfuse|goofys|davfs2?|curlftpfs|nfs|smbnetfs|juicefs|mfs|moosefs|blobfuse2?|lizardfs)$/;

/**
 * The name of the network file system; null: it is local as far as can be told.
 * @param type `statfs(…).type`
 * @param mount the type in the table of mounts, asked only where `type` does not tell (FUSE).
 */
export function networkFileSystem(type: number, mount: () => string | null): string | null {
  const unsigned = type >>> 0;
  if (unsigned !== FUSE) return NETWORK.get(unsigned) ?? null;
  const name = mount();
  return name !== null && NETWORK_FUSE.test(name) ? name : null;
}

/** Type of the mount that holds `directory`, from the kernel's table; null where there is none. */
function mountType(directory: string): string | null {
  let table: string;
  try {
    table = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return null;
  }
  return typeOfMount(table, directory);
}

export function typeOfMount(table: string, directory: string): string | null {
  let best = { point: '', type: null as string | null };
  for (const line of table.split('\n')) {
    const [left, right] = line.split(' - ');
    const escaped = left?.split(' ')[4];
    if (escaped === undefined || right === undefined) continue;
    const point = escaped.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
    const holds = point === '/' || directory === point || directory.startsWith(`${point}/`);
    if (holds && point.length >= best.point.length) best = { point, type: right.split(' ')[0] };
  }
  return best.type;
}
