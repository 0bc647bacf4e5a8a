import { execFile } from 'node:child_process';
import { rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const SMALL_BYTES = 2 * 1_024 ** 3;

/** The file system of the log, if it is small enough to be filled to the last block without harm to anybody else. */
export class SmallFileSystem {
  private readonly filler: string;

  private constructor(private readonly directory: string) {
    this.filler = join(directory, 'filler');
  }

  /** Null: it is too large to be filled. */
  static at(directory: string): SmallFileSystem | null {
    const { bsize, blocks } = statfsSync(directory);
    return bsize * blocks <= SMALL_BYTES ? new SmallFileSystem(directory) : null;
  }

  /** One file takes all the room that is left. @throws Error where `fallocate` is missing. */
  async fill(): Promise<void> {
    const { bsize, bfree } = statfsSync(this.directory);
    await promisify(execFile)('fallocate', ['-l', String(bsize * bfree), this.filler]).catch((error: unknown) => {
      // Somebody else was faster with the last blocks: it is full all the same.
      if (!String(error).includes('No space left')) throw error;
    });
  }

  empty(): void {
    rmSync(this.filler, { force: true });
  }
}
