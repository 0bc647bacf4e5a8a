import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';

/** The byte of SQLite's shared-memory file that a writer has locked, in write-ahead mode (WAL_WRITE_LOCK). */
const WRITE_LOCK = 120;

/**
 * Whether the process holds the writer's lock of this SQLite file, as the kernel says (`/proc/locks`): it is in the middle of a transaction.
 * Of a process that is stopped this is certain; of one that runs it was so a moment ago.
 */
export function isWriting(pid: number, path: string): boolean {
  const shm = statSync(`${path}-shm`, { throwIfNoEntry: false });
  if (shm === undefined) return false;
  for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
    // <n>: POSIX ADVISORY WRITE <pid> <major>:<minor>:<inode> <first byte> <last byte>
    const [, kind, , mode, holder, file, from, to] = line.trim().split(/\s+/);
    if (kind !== 'POSIX' || mode !== 'WRITE' || Number(holder) !== pid) continue;
    if (Number(file.slice(file.lastIndexOf(':') + 1)) !== shm.ino) continue;
    if (Number(from) <= WRITE_LOCK && (to === 'EOF' || Number(to) >= WRITE_LOCK)) return true;
  }
  return false;
}

/** All its threads stand still: SIGSTOP has arrived. */
export function isStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => stateOf(`/proc/${pid}/task/${thread}/stat`) === 'T');
  } catch {
    return false;
  }
}

function stateOf(path: string): string {
  const text = readFileSync(path, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2, text.lastIndexOf(')') + 3);
}

/** Why the machine cannot be used for this; null: it can. */
export function whyUnfit(): string | null {
  return existsSync('/proc/locks') && existsSync('/proc/self/task')
    ? null
    : 'there is no /proc/locks here, by which a process in the middle of a commit is recognized. Use Linux.';
}
