import { Injectable, Logger } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { DECLARED, type Declarations, type DeclaredMethod } from '../declarations';
import type { HandlerRegistry } from '../worker';
import { HandlerInvoker, type InvokerOptions } from './handlers';

/** Finds the methods that bear `@Cron`, `@Interval` or `@Timeout` on the host's providers and controllers: each is a handler and declares a job. */
@Injectable()
export class DeclarationExplorer {
  private readonly log = new Logger('Holdfast');

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
    private readonly invoker: HandlerInvoker,
  ) {}

  /** @throws DeclarationRefusedError for decorators that declare no job; RangeError for a handler of a name that is taken. */
  explore(declared: Declarations, registry: HandlerRegistry, options: InvokerOptions = {}): void {
    const seen = new Set<unknown>();
    for (const wrapper of [...this.discovery.getControllers(), ...this.discovery.getProviders()]) {
      const instance = wrapper.instance as object | null | undefined;
      const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      const prototype = isStatic
        ? instance && (Object.getPrototypeOf(instance) as object | null)
        : (wrapper.metatype as { prototype?: object } | null)?.prototype;
      // One provider may be reachable under several tokens (useExisting): the instance counts, not the token.
      if (!prototype || (isStatic && seen.has(instance))) continue;
      if (isStatic) seen.add(instance);
      for (const methodName of this.scanner.getAllMethodNames(prototype)) {
        const method = (prototype as Record<string, unknown>)[methodName];
        const written =
          typeof method === 'function' ? this.reflector.get<DeclaredMethod | undefined>(DECLARED, method) : undefined;
        if (!written) continue;
        const { constructor } = prototype;
        const className = constructor.name;
        const declaration = declared.add(written, { className, methodName }, constructor);
        if (declaration === 'refused') continue;
        if (declaration === 'declared-already') {
          this.log.warn(
            `@${written.decorator} on ${className}.${methodName}: the class is provided twice (by two modules, or under two tokens). ` +
              'It is one job all the same, and the first instance runs it. Provide it in one module and export it from there.',
          );
          continue;
        }
        const run = this.invoker.runJobOf(wrapper, methodName, { ...options, contextOnly: true });
        registry.register({ name: declaration.jobId, run });
      }
    }
    declared.check();
  }
}
