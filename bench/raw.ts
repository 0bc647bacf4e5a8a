import { fork } from 'node:child_process';
import { join } from 'node:path';

/**
 * Appends per second of a script that imports only better-sqlite3, in a process of its own (`raw-script.ts`): what the embedded log could give at most.
 * @param directory where its file goes; `raw-<group size>-<n>.sqlite`
 * @param groupSize appends per transaction, and so per sync to the disk
 */
export function rawAppendsPerSecond(options: {
  readonly directory: string;
  readonly groupSize: number;
  readonly seconds: number;
}): Promise<number> {
  const { directory, groupSize, seconds } = options;
  const file = join(directory, `raw-${groupSize}-${++files}.sqlite`);
  const child = fork(join(__dirname, 'raw-script.js'), [file, String(groupSize), String(seconds)]);
  return new Promise((resolve, reject) => {
    let found: number | null = null;
    child.on('message', (message: { readonly appendsPerSecond: number }) => (found = message.appendsPerSecond));
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 && found !== null) resolve(found);
      else reject(new Error(`the raw script ended with ${signal ?? `code ${code}`} before it had a figure`));
    });
  });
}

let files = 0;
