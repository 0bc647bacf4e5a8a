import type { HandlerRegistry } from './handler-registry';

/** Room for one handler to run. Given back once, however often it is asked. */
export interface Place {
  give(): void;
}

/** How many handlers may run in this process at the same time, in all and by name. */
export class Places {
  private total = 0;
  private readonly perHandler = new Map<string, number>();

  constructor(
    private readonly max: number,
    private readonly handlers: HandlerRegistry,
  ) {}

  hasRoom(handler: string): boolean {
    const taken = this.perHandler.get(handler) ?? 0;
    return this.total < this.max && taken < (this.handlers.get(handler)?.concurrency ?? Infinity);
  }

  /** Null: there is no room. */
  take(handler: string): Place | null {
    if (!this.hasRoom(handler)) return null;
    this.add(handler, 1);
    let taken = true;
    return {
      give: () => {
        if (taken) this.add(handler, -1);
        taken = false;
      },
    };
  }

  private add(handler: string, count: 1 | -1): void {
    this.total += count;
    this.perHandler.set(handler, (this.perHandler.get(handler) ?? 0) + count);
  }

  /** Handlers that have no free place of their own. */
  full(): readonly string[] {
    return [...this.perHandler]
      .filter(([h, n]) => n >= (this.handlers.get(h)?.concurrency ?? Infinity))
      .map(([h]) => h);
  }

  get free(): number {
    return this.max - this.total;
  }

  get taken(): number {
    return this.total;
  }
}
