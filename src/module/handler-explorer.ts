import { Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import type { HandlerRegistry, RunJob } from '../worker';
import { JOB_HANDLER, type JobHandlerMetadata } from './job-handler.decorator';

/** A handler that Nest cannot give one instance of. Nothing is skipped silently. */
export class JobHandlerRefusedError extends Error {
  override readonly name = 'JobHandlerRefusedError';
}

/** Finds the methods that bear `@JobHandler` on the host's providers and controllers, and registers them. */
@Injectable()
export class HandlerExplorer {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  /** @throws JobHandlerRefusedError for a request-scoped or transient provider; RangeError for two handlers of one name. */
  explore(registry: HandlerRegistry): void {
    const seen = new Set<unknown>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      const prototype: object | undefined =
        wrapper.instance && wrapper.isDependencyTreeStatic()
          ? Object.getPrototypeOf(wrapper.instance)
          : typeof wrapper.metatype === 'function'
            ? wrapper.metatype.prototype
            : undefined;
      if (!prototype) continue;
      for (const method of this.scanner.getAllMethodNames(prototype)) {
        const target = (prototype as Record<string, unknown>)[method];
        if (typeof target !== 'function') continue;
        const metadata = this.reflector.get<JobHandlerMetadata | undefined>(JOB_HANDLER, target);
        if (!metadata) continue;
        const where = `${wrapper.name}.${method}`;
        if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) {
          throw new JobHandlerRefusedError(
            `@JobHandler('${metadata.name}') on ${where}: the provider is request-scoped or transient, or depends on one that is. ` +
              'A job runs outside any request. Make the provider a singleton (the default scope).',
          );
        }
        // One provider may be reachable under several tokens (useExisting): the instance counts, not the token.
        if (seen.has(wrapper.instance)) continue;
        const instance = wrapper.instance as Record<string, RunJob>;
        registry.register({
          name: metadata.name,
          version: metadata.version,
          concurrency: metadata.concurrency,
          run: (payload, context) => instance[method](payload, context),
        });
      }
      if (wrapper.instance && typeof wrapper.instance === 'object') seen.add(wrapper.instance);
    }
  }
}
