import type { HandlerDefinition } from './job-context';

/** The handlers of this process, by name. Filled before the service registers, constant afterwards. */
export class HandlerRegistry {
  private readonly byName = new Map<string, HandlerDefinition>();

  /** @param around what is run in the place of a handler; default the handler itself. */
  constructor(private readonly around: (handler: HandlerDefinition) => HandlerDefinition = (handler) => handler) {}

  /** @throws RangeError when the name is taken, empty, or the concurrency is not a positive integer. */
  register(handler: HandlerDefinition): void {
    if (this.byName.has(handler.name)) {
      throw new RangeError(
        `handler: '${handler.name}' is registered already. Every handler has a name of its own. Rename one of the two.`,
      );
    }
    if (!/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/.test(handler.name)) {
      throw new RangeError(
        `handler: '${handler.name}' is no handler name. 1–128 letters, digits, '.', '_', ':', '@', '-', beginning with a letter or digit. Choose such a name.`,
      );
    }
    const { concurrency } = handler;
    if (concurrency !== undefined && (!Number.isSafeInteger(concurrency) || concurrency < 1)) {
      throw new RangeError(
        `handler '${handler.name}': concurrency ${concurrency} is not a positive integer. Leave it out for no limit of its own.`,
      );
    }
    this.byName.set(handler.name, this.around(handler));
  }

  get(name: string): HandlerDefinition | undefined {
    return this.byName.get(name);
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  names(): readonly string[] {
    return [...this.byName.keys()];
  }

  /** Handler name → version, as a service registers them. */
  versions(): { readonly [handler: string]: string } {
    return Object.fromEntries([...this.byName.values()].map((h) => [h.name, h.version ?? '1']));
  }
}
