import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { ownProcessIdentity, provablyGone } from './process-identity';

const here = { sharedKernel: false };
const embedded = { sharedKernel: true };
const own = ownProcessIdentity();
const onLinux = existsSync('/proc/self/stat') ? it : it.skip;

/** A process that has run and ended, reaped. */
const ended = async (): Promise<number> => {
  const child = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid as number;
};

describe('own identity', () => {
  onLinux('has pid, boot id, PID namespace and start time', () => {
    expect(own.pid).toBe(process.pid);
    expect(own.bootId).toMatch(/^[0-9a-f-]{36}$/);
    expect(own.pidNamespace).toMatch(/^pid:\[\d+\]$/);
    expect(own.startTicks).toMatch(/^\d+$/);
  });
});

describe('a process is provably gone', () => {
  it('not while it lives', () => expect(provablyGone(own, embedded)).toBe(false));

  onLinux('when no such process is there', async () => {
    expect(provablyGone({ ...own, pid: await ended() }, here)).toBe(true);
  });

  onLinux('when its pid belongs to a process that started at another time', () => {
    expect(provablyGone({ ...own, startTicks: '1' }, here)).toBe(true);
  });

  onLinux('when it is a zombie', async () => {
    // sh starts a child, becomes `sleep` and never reaps it.
    const parent = spawn('sh', ['-c', 'sleep 0.05 & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [text] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(String(text).trim());
      const stat = () => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      while (stat()[0] !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5));
      expect(provablyGone({ ...own, pid, startTicks: stat()[19] }, here)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  onLinux('by another boot only where one kernel serves the log', () => {
    const before = { ...own, bootId: '00000000-0000-4000-8000-000000000000' };
    expect(provablyGone(before, embedded)).toBe(true);
    expect(provablyGone(before, here)).toBe(false);
  });

  onLinux('not across PID namespaces, and not without /proc on either side', async () => {
    const pid = await ended();
    expect(provablyGone({ ...own, pid, pidNamespace: 'pid:[1]' }, embedded)).toBe(false);
    expect(provablyGone({ ...own, pid, pidNamespace: null }, embedded)).toBe(false);
    expect(provablyGone({ ...own, pid, bootId: null }, embedded)).toBe(false);
  });

  onLinux('not by a start time that was never recorded', () => {
    expect(provablyGone({ ...own, startTicks: null }, here)).toBe(false);
  });
});
