import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { ProcessIdentity } from '../domain/service';

/** The processes of this machine, as one of them sees them. A simulation puts its own in the place of the machine's. */
export interface Processes {
  readonly own: () => ProcessIdentity;
  readonly provablyGone: (former: ProcessIdentity, options: { readonly sharedKernel: boolean }) => boolean;
}

/** What this process can say of itself, so that another on the same kernel can prove that it is gone. */
export function ownProcessIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    bootId: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: attempt(() => readlinkSync('/proc/self/ns/pid')),
    startTicks: attempt(() => stat(process.pid).startTicks),
  };
}

/**
 * Whether the process is certainly gone (protocol 5.8). False: it lives, or nothing can be proven.
 *
 * Proof: another boot of the kernel that serves the log (`sharedKernel`, the embedded log); or on the same boot and in the same PID namespace,
 * no such process, one that began at another time, or a dead one (Z, X) without another living thread.
 */
export function provablyGone(former: ProcessIdentity, options: { readonly sharedKernel: boolean }): boolean {
  const own = ownProcessIdentity();
  if (own.bootId === null || former.bootId === null) return false;
  if (own.bootId !== former.bootId) return options.sharedKernel;
  if (own.pidNamespace === null || own.pidNamespace !== former.pidNamespace) return false;
  try {
    process.kill(former.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  try {
    const { state, startTicks } = stat(former.pid);
    if (former.startTicks !== null && startTicks !== former.startTicks) return true;
    return (state === 'Z' || state === 'X') && !hasLivingThread(former.pid);
  } catch {
    return false;
  }
}

function stat(pid: number, thread?: string): { state: string; startTicks: string } {
  const text = readFileSync(thread === undefined ? `/proc/${pid}/stat` : `/proc/${pid}/task/${thread}/stat`, 'utf8');
  // The command name stands in parentheses and may hold anything, parentheses too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0], startTicks: fields[19] };
}

function hasLivingThread(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).some((thread) => !['Z', 'X'].includes(stat(pid, thread).state));
}

function attempt(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null;
  }
}

export const machineProcesses: Processes = { own: ownProcessIdentity, provablyGone };
