import { fork, type ChildProcess } from 'node:child_process';

interface Asked<Request> {
  readonly n: number;
  readonly request: Request;
}
interface Answer {
  readonly n: number;
  readonly value: unknown;
  readonly error?: string;
}

/** A process that answers questions, several at once if need be. */
export class AskedProcess<Request> {
  private readonly process: ChildProcess;
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  private asked = 0;
  private over = false;
  private readonly ended: Promise<void>;

  /** @param name in messages */
  constructor(
    file: string,
    args: readonly string[],
    private readonly name: string,
  ) {
    this.process = fork(file, [...args]);
    this.process.on('message', ({ n, value, error }: Answer) => {
      const waiter = this.waiting.get(n);
      this.waiting.delete(n);
      if (error === undefined) waiter?.resolve(value);
      else waiter?.reject(new Error(error));
    });
    this.ended = new Promise((resolve) =>
      this.process.on('exit', (code, signal) => {
        this.over = true;
        for (const { reject } of this.waiting.values())
          reject(new Error(`the process of ${name} ended (${signal ?? code})`));
        this.waiting.clear();
        resolve();
      }),
    );
  }

  ask(request: Request): Promise<unknown> {
    if (this.over) return Promise.reject(new Error(`the process of ${this.name} has ended`));
    const n = (this.asked += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(n, { resolve, reject });
      this.process.send({ n, request } satisfies Asked<Request>);
    });
  }

  async kill(): Promise<void> {
    if (!this.over) this.process.kill('SIGKILL');
    await this.ended;
  }
}

/** In that process. It ends when nobody can ask any more. */
export function answerWith<Request>(answer: (request: Request) => Promise<unknown>): void {
  process.on('disconnect', () => process.exit(1));
  process.on('message', ({ n, request }: Asked<Request>) => {
    answer(request).then(
      (value) => process.send?.({ n, value: value ?? null } satisfies Answer),
      (error: unknown) => process.send?.({ n, value: null, error: String(error) } satisfies Answer),
    );
  });
}
