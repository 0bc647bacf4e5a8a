/** Whether everything that was in the log has been applied, for those who wait for it. It may become untrue again. */
export class CaughtUp {
  private is: boolean | Error = false;
  private readonly waiting = new Set<{ readonly resolve: () => void; readonly reject: (error: Error) => void }>();

  wait(): Promise<void> {
    if (this.is === true) return Promise.resolve();
    if (this.is instanceof Error) return Promise.reject(this.is);
    return new Promise((resolve, reject) => this.waiting.add({ resolve, reject }));
  }

  yes(): void {
    this.is = true;
    for (const { resolve } of this.waiting) resolve();
    this.waiting.clear();
  }

  no(): void {
    this.is = false;
  }

  never(error: Error): void {
    this.is = error;
    for (const { reject } of this.waiting) reject(error);
    this.waiting.clear();
  }
}
