import type { HandlerRegistry } from './handler-registry';

/** How many runs fit into this process, in all and per handler. */
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

  take(handler: string): boolean {
    if (!this.hasRoom(handler)) return false;
    this.total++;
    this.perHandler.set(handler, (this.perHandler.get(handler) ?? 0) + 1);
    return true;
  }

  give(handler: string): void {
    this.total--;
    this.perHandler.set(handler, (this.perHandler.get(handler) ?? 1) - 1);
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
