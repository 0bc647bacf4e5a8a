import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper';
import { checkJobDefaults } from '../commands';
import type { HandlerRegistry } from '../worker';
import { HandlerInvoker, JOB_HANDLER, JobHandlerRefusedError } from './handlers';
import type { InvokerOptions, JobHandlerMetadata } from './handlers';

/** Finds what bears `@JobHandler` on the host's providers and controllers, and registers it. */
@Injectable()
export class HandlerExplorer {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(HandlerInvoker) private readonly invoker: HandlerInvoker,
  ) {}

  /** @throws JobHandlerRefusedError for what cannot run as declared, and for two handlers of one name; RangeError for a name that is none. */
  explore(registry: HandlerRegistry, options: InvokerOptions = {}): void {
    const places = new Map<string, string>();
    const seen = new Set<unknown>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      // One provider may be reachable under several tokens (useExisting): the instance counts, not the token.
      if (wrapper.isAlias || (isStatic(wrapper) && seen.has(wrapper.instance))) continue;
      if (isStatic(wrapper) && typeof wrapper.instance === 'object') seen.add(wrapper.instance);
      const host = classOf(wrapper);
      if (!host) continue;
      for (const { method, metadata } of declaredOn(host)) {
        const place = `${wrapper.host?.name ?? ''}.${host.name}.${String(method)}`;
        const other = places.get(metadata.name);
        if (other !== undefined) {
          throw new JobHandlerRefusedError(
            `handler '${metadata.name}' is on ${other} and on ${place}. Every handler has a name of its own. Rename one, or provide its class in one module only.`,
          );
        }
        places.set(metadata.name, place);
        const { name, version, concurrency, ...defaults } = metadata;
        const [wrong] = checkJobDefaults(defaults);
        if (wrong !== undefined) {
          throw new JobHandlerRefusedError(
            `@JobHandler('${name}') on ${place}: ${wrong.field} = ${wrong.value}: ${wrong.rule} ${wrong.remedy}`,
          );
        }
        registry.register({
          name,
          version,
          concurrency,
          defaults,
          run: this.invoker.runJobOf(wrapper, method, options),
        });
      }
    }
  }
}

type Host = { readonly name: string; readonly prototype: object };

function isStatic(wrapper: InstanceWrapper): boolean {
  return wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
}

/** The class of a provider; of one that a factory makes for every run nothing is known. */
function classOf(wrapper: InstanceWrapper): Host | null {
  if (isStatic(wrapper)) {
    const instance: unknown = wrapper.instance;
    if (typeof instance !== 'object' || instance === null) return null;
    return (instance as { constructor?: Host }).constructor ?? null;
  }
  return typeof wrapper.metatype === 'function' && !wrapper.inject ? (wrapper.metatype as unknown as Host) : null;
}

function* declaredOn(host: Host): Iterable<{ method: string | symbol; metadata: JobHandlerMetadata }> {
  // Its own only: a class that extends a handler is another provider, not a second handler of that name.
  const ofClass = Reflect.getOwnMetadata(JOB_HANDLER, host) as JobHandlerMetadata | undefined;
  if (ofClass) {
    if (typeof (host.prototype as { handle?: unknown }).handle !== 'function') {
      throw new JobHandlerRefusedError(
        `@JobHandler('${ofClass.name}') on the class ${host.name}: it has no method handle(payload, context). Add it, or put the decorator on a method.`,
      );
    }
    yield { method: 'handle', metadata: ofClass };
  }
  const overridden = new Set<string | symbol>();
  for (let of = host.prototype; of && of !== Object.prototype; of = Object.getPrototypeOf(of) as object) {
    for (const method of Reflect.ownKeys(of)) {
      if (method === 'constructor' || overridden.has(method)) continue;
      overridden.add(method);
      const target: unknown = Object.getOwnPropertyDescriptor(of, method)?.value;
      if (typeof target !== 'function') continue;
      const metadata = Reflect.getMetadata(JOB_HANDLER, target) as JobHandlerMetadata | undefined;
      if (metadata) yield { method, metadata };
    }
  }
}
