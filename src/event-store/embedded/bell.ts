import { closeSync, existsSync, openSync, statSync, watch, writeSync, type FSWatcher } from 'node:fs';
import type { Clock, Timer } from '../../clock';

/** How often the file is asked for changes where a bell rings, and where none can be heard. */
const NET_MS = 200;
const DEAF_MS = 20;

/**
 * Tells other processes of a commit: a file beside the log that is written *after* the commit, and watched. Watching the log itself would
 * wake them before the commit is visible. A slow poll is the net under it.
 */
export class Bell {
  private fd: number | null = null;
  private watcher: FSWatcher | null = null;
  private watched = 0;
  private timer: Timer | null = null;

  constructor(
    private readonly path: string,
    private readonly clock: Clock,
    /** Who only reads leaves no file behind. */
    private readonly mute: boolean,
    /** Called when something may have been committed by somebody else. */
    private readonly onRing: () => void,
  ) {}

  ring(): void {
    if (this.mute) return;
    try {
      this.fd ??= openSync(this.path, 'w', 0o600);
      writeSync(this.fd, '.', 0);
    } catch {
      // The others find it by their poll.
      this.hangUp();
    }
  }

  /** From now on `onRing` is called. */
  listen(): void {
    if (this.timer !== null) return;
    this.arm();
    this.poll();
  }

  deafen(): void {
    this.timer?.cancel();
    this.timer = null;
    this.watcher?.close();
    this.watcher = null;
  }

  close(): void {
    this.deafen();
    this.hangUp();
  }

  private poll(): void {
    const delay = this.watcher === null ? DEAF_MS : NET_MS;
    this.timer = this.clock.setTimer(
      delay,
      () => {
        if (inode(this.path) !== this.watched) this.arm();
        this.poll();
        this.onRing();
      },
      { keepAlive: false, name: 'log-poll' },
    );
  }

  private arm(): void {
    this.watcher?.close();
    this.watcher = null;
    this.hangUp();
    try {
      if (!existsSync(this.path)) this.ring();
      this.watcher = watch(this.path, { persistent: false }, () => this.onRing());
      this.watcher.on('error', () => {
        this.watcher?.close();
        this.watcher = null;
      });
      this.watched = inode(this.path);
    } catch {
      this.watched = 0;
    }
  }

  private hangUp(): void {
    if (this.fd !== null) closeSync(this.fd);
    this.fd = null;
  }
}

function inode(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}
