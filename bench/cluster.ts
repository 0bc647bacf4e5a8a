import { fork, type ChildProcess } from 'node:child_process';

/** What a process of a cluster says. */
export type FromMember =
  | { readonly kind: 'ready' }
  | {
      /** The handler of a job has just been entered. */
      readonly kind: 'entered';
      readonly job: string;
      /** `process.hrtime`, the machine's monotonic clock: comparable between processes. ns. */
      readonly at: string;
    };
/** What it is told: put one job into the queue, or let the run of one end. */
export type ToMember = { readonly kind: 'schedule' | 'finish'; readonly job: string };

export type Entered = Extract<FromMember, { kind: 'entered' }> & { readonly host: string };

/** A run that has been going on for this long is no news to anybody. */
const SETTLED_MS = 300;

/** Processes that share jobs, and what they said. */
export class Cluster {
  private readonly children = new Map<string, ChildProcess>();
  private readonly runs: Entered[] = [];
  private readonly waiting = new Set<() => void>();
  private started = 0;
  private failure: Error | null = null;

  /**
   * @param file what to fork
   * @param argumentsOf the arguments of the process on that host
   * @param patienceMs far beyond any bound that is expected: whoever waits for longer waits in vain
   */
  constructor(
    private readonly file: string,
    private readonly argumentsOf: (host: string) => readonly string[],
    private readonly patienceMs: number,
  ) {}

  /** Under a name of its own. Resolves when it says that it is ready. */
  async startOne(): Promise<void> {
    const host = `h${++this.started}`;
    const child = fork(this.file, [...this.argumentsOf(host)]);
    this.children.set(host, child);
    let ready = false;
    child.on('message', (message: FromMember) => {
      if (message.kind === 'ready') ready = true;
      else this.runs.push({ ...message, host });
      this.wake();
    });
    child.on('exit', (code, signal) => {
      if (this.children.get(host) !== child) return;
      this.failure ??= new Error(`the service on ${host} ended by itself, with ${signal ?? `code ${code}`}`);
      this.wake();
    });
    await this.until(`the service on ${host} to be ready`, () => ready);
  }

  /** The n-th time that the job's handler was entered anywhere, from 1. */
  async entered(job: string, n: number): Promise<Entered> {
    const found = () => this.runs.filter((run) => run.job === job)[n - 1];
    await this.until(`${job} to be entered for the ${n}. time`, () => found() !== undefined);
    return found();
  }

  /** SIGKILL to whoever runs it, `phaseMs` after the run has settled; until it is entered elsewhere. Then another takes the place of the dead one. */
  async killInMidRun(
    job: string,
    phaseMs: number,
  ): Promise<{ readonly ms: number; readonly from: string; readonly to: string }> {
    this.send([...this.children.keys()][0], { kind: 'schedule', job });
    const first = await this.entered(job, 1);
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS + phaseMs));
    const at = process.hrtime.bigint();
    await this.kill(first.host);
    const second = await this.entered(job, 2);
    if (second.host === first.host) throw new Error(`${job} was entered twice on ${first.host}, before it was killed`);
    this.send(second.host, { kind: 'finish', job });
    await this.startOne();
    return { ms: Number(BigInt(second.at) - at) / 1e6, from: first.host, to: second.host };
  }

  async end(): Promise<void> {
    await Promise.all([...this.children.keys()].map((host) => this.kill(host)));
  }

  private send(host: string, message: ToMember): void {
    this.children.get(host)?.send(message);
  }

  /** Resolves when the process is no more. */
  private async kill(host: string): Promise<void> {
    const child = this.children.get(host);
    this.children.delete(host);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private async until(what: string, isSo: () => boolean): Promise<void> {
    const patience = setTimeout(() => {
      this.failure ??= new Error(`waited ${this.patienceMs / 1_000} s in vain for ${what}`);
      this.wake();
    }, this.patienceMs);
    try {
      while (!isSo()) {
        if (this.failure) throw this.failure;
        await new Promise<void>((resolve) => this.waiting.add(resolve));
      }
    } finally {
      clearTimeout(patience);
    }
  }
}
