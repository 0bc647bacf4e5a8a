import type { HandlerRegistry } from './handler-registry';

/** Room for one handler to run. Given back once, however often it is asked. */
export interface Place {
  /** It is that of the one suspect that may run. */
  readonly suspect: boolean;
  /** The job turned out not to be suspect: another suspect may run beside it. */
  clear(): void;
  give(): void;
}

/** How many handlers may run in this process at the same time: in all, by name, and of suspect jobs one. */
export class Places {
  private total = 0;
  private suspect = false;
  private readonly perHandler = new Map<string, number>();

  constructor(
    private readonly max: number,
    private readonly handlers: HandlerRegistry,
  ) {}

  hasRoom(handler: string): boolean {
    const taken = this.perHandler.get(handler) ?? 0;
    return this.total < this.max && taken < (this.handlers.get(handler)?.concurrency ?? Infinity);
  }

  /** Null: there is no room. @param suspect the place that there is for one suspect is asked for too. */
  take(handler: string, suspect = false): Place | null {
    if (!this.hasRoom(handler) || (suspect && this.suspect)) return null;
    this.add(handler, 1);
    if (suspect) this.suspect = true;
    let taken = true;
    let holds = suspect;
    const clear = () => {
      if (holds) this.suspect = holds = false;
    };
    return {
      get suspect() {
        return holds;
      },
      clear,
      give: () => {
        clear();
        if (taken) this.add(handler, -1);
        taken = false;
      },
    };
  }

  private add(handler: string, count: 1 | -1): void {
    this.total += count;
    this.perHandler.set(handler, (this.perHandler.get(handler) ?? 0) + count);
  }

  /** What no place is free for: handlers by their own limit, and suspects. */
  full(): { readonly handlers: readonly string[]; readonly suspects: boolean } {
    const handlers = [...this.perHandler]
      .filter(([h, n]) => n >= (this.handlers.get(h)?.concurrency ?? Infinity))
      .map(([h]) => h);
    return { handlers, suspects: this.suspect };
  }

  get free(): number {
    return this.max - this.total;
  }

  get taken(): number {
    return this.total;
  }
}
