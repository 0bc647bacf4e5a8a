import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/** The part of Nest's module that decides the order of its hooks. */
interface OrderedModule {
  readonly metatype: unknown;
  readonly name: string;
  distance: number;
  readonly providers: ReadonlyMap<
    unknown,
    { readonly name: unknown; readonly instance: unknown; readonly isNotMetatype?: boolean }
  >;
}

function ordered(modules: ModulesContainer): OrderedModule[] {
  return [...(modules.values() as unknown as Iterable<OrderedModule>)];
}

/**
 * Nest destroys modules by their distance from the root, nearest first, so that what is imported outlives its importers. Jobs are the
 * outermost user of everything: their handlers may use any provider of the host, those of the root module included. So the module that
 * drains them is set nearer than the root itself (which has distance 1). It is also bootstrapped last, when all others are ready.
 */
export function drainFirst(modules: ModulesContainer, drains: Type): void {
  setDistance(modules, drains, 0);
}

/** A module that ends before even the drain begins, and is bootstrapped after it: one that turns the clock by which it is done. */
export function endBeforeDrain(modules: ModulesContainer, ends: Type): void {
  endsFirst.add(ends);
  setDistance(modules, ends, -1);
}

/** Modules for which that is right: nothing is warned of. */
const endsFirst = new Set<unknown>();

function setDistance(modules: ModulesContainer, of: Type, distance: number): void {
  for (const module of ordered(modules)) if (module.metatype === of) module.distance = distance;
}

/** Providers with `onModuleDestroy` whose modules are destroyed before the module that drains, as `Module.Provider`. */
export function whoIsDestroyedBefore(modules: ModulesContainer, drains: Type): string[] {
  const order = ordered(modules)
    .sort((a, b) => b.distance - a.distance)
    .reverse();
  const before: string[] = [];
  for (const module of order) {
    if (module.metatype === drains) break;
    if (endsFirst.has(module.metatype)) continue;
    for (const { instance, name } of module.providers.values()) {
      const hook = (instance as { onModuleDestroy?: unknown } | null)?.onModuleDestroy;
      if (typeof hook === 'function') before.push(`${module.name}.${String(name)}`);
    }
  }
  return before;
}
