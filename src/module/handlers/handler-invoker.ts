import { Inject, Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PARAMTYPES_METADATA,
  PIPES_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants';
import { ApplicationConfig, ContextIdFactory, ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import type { ContextId, NestContainer } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host';
import { STATIC_CONTEXT } from '@nestjs/core/injector/constants';
import { Injector } from '@nestjs/core/injector/injector';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper';
import { isObservable, lastValueFrom } from 'rxjs';
import type { JsonValue } from '../../domain/job';
import type { JobContext, RunJob } from '../../worker';
import { JobHandlerRefusedError } from './job-handler.decorator';
import { CONTEXT_PARAMETER, parametersOf, valueOf } from './parameters';

/** `ExecutionContext.getType()` while a job runs; `getArgs()` are payload and context. */
export const HOLDFAST_CONTEXT = 'holdfast';

/** What the token `REQUEST` injects into a request-scoped provider while a job runs. */
export interface JobRequest<Payload = JsonValue> {
  readonly payload: Payload;
  readonly context: JobContext;
}

export interface InvokerOptions {
  /** Enhancers of the whole application (`APP_GUARD`, `useGlobalPipes`, …) apply too. Default false: they are made for HTTP. */
  readonly globalEnhancers?: boolean;
  /** The method gets the context as its only argument (a declared job has no payload). Default false. */
  readonly contextOnly?: boolean;
}

type Callable = (...args: unknown[]) => unknown;
type Filters = { invokeCustomFilters(exception: unknown, host: ExecutionContextHost): unknown };
/** Private parts of Nest's creator that are the same in Nest 11 and 12. */
interface CreatorParts {
  readonly container: NestContainer;
  readonly filtersContextCreator: {
    create(instance: object, callback: Callable, module: string, contextId: ContextId, inquirerId?: string): Filters;
  };
}

const enhancerKeys = [GUARDS_METADATA, PIPES_METADATA, INTERCEPTORS_METADATA, EXCEPTION_FILTERS_METADATA];

/** Makes the code of a job out of a method of a provider, with what Nest puts around it. */
@Injectable()
export class HandlerInvoker {
  private readonly injector = new Injector();

  constructor(
    @Inject(ExternalContextCreator) private readonly external: ExternalContextCreator,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
  ) {}

  /**
   * @param wrapper the provider or controller, of any scope. One that is not static is made anew for every run and released after it.
   * @param method an instance method; its first parameter is the payload and its second the context unless decorators say otherwise.
   * @throws JobHandlerRefusedError when an enhancer was declared where Nest does not make it.
   */
  runJobOf(wrapper: InstanceWrapper, method: string | symbol, options: InvokerOptions = {}): RunJob {
    const moduleKey = [...this.modules].find(([, module]) => module === wrapper.host)?.[0] ?? '';
    const { globalEnhancers = false, contextOnly = false } = options;
    const creator = this.creator(moduleKey, globalEnhancers, contextOnly);
    if (wrapper.isDependencyTreeStatic() && !wrapper.isTransient) {
      const instance = wrapper.instance as object;
      if (!options.globalEnhancers && isPlain(instance, method)) {
        // Entered synchronously: nothing can happen between the worker's last look at its trust and the handler.
        const plain = instance as Record<string | symbol, Callable>;
        return (payload, context) => lastOf(contextOnly ? plain[method](context) : plain[method](payload, context));
      }
      this.refuseUnmadeEnhancers(wrapper, instance.constructor, method);
      return this.enclosed(creator, moduleKey, instance, method, STATIC_CONTEXT, wrapper.id);
    }
    this.refuseUnmadeEnhancers(wrapper, wrapper.metatype as Callable, method);
    return async (payload, context) => {
      const contextId = this.contextOf({ payload, context });
      const module = wrapper.host!;
      const collection =
        module.controllers.get(wrapper.token as never) === wrapper ? module.controllers : module.providers;
      const instance: object = await this.injector.loadPerContext(
        wrapper.instance,
        module,
        collection as never,
        contextId,
        wrapper,
      );
      return this.enclosed(creator, moduleKey, instance, method, contextId, wrapper.id)(payload, context);
    };
  }

  private enclosed(
    creator: ExternalContextCreator,
    moduleKey: string,
    instance: object,
    method: string | symbol,
    contextId: ContextId,
    inquirerId: string,
  ): RunJob {
    const callback = (instance as Record<string | symbol, Callable>)[method];
    const paramsFactory = { exchangeKeyForValue: valueOf };
    const withoutFilters = { guards: true, interceptors: true, filters: false };
    const target = creator.create(
      instance,
      callback,
      method as string,
      HOLDFAST_CONTEXT,
      paramsFactory,
      contextId,
      inquirerId,
      withoutFilters,
      HOLDFAST_CONTEXT,
    );
    // Not by Nest's own proxy: there a filter that is async has always handled the exception, and one that rethrows is logged twice.
    const parts = creator as unknown as CreatorParts;
    const filters = parts.filtersContextCreator.create(instance, callback, moduleKey, contextId, inquirerId);
    return async (payload, context) => {
      try {
        return await target(payload, context);
      } catch (error) {
        const host = new ExecutionContextHost([payload, context], instance.constructor as never, callback);
        host.setType(HOLDFAST_CONTEXT);
        const answer = await filters.invokeCustomFilters(error, host);
        if (answer === undefined) throw error;
        return answer;
      }
    };
  }

  /** Nest's creator, for one module, with the differences that jobs need. */
  private creator(moduleKey: string, globalEnhancers: boolean, contextOnly: boolean): ExternalContextCreator {
    const { container } = this.external as unknown as CreatorParts;
    if (globalEnhancers) refuseScopedGlobals(container.applicationConfig);
    // The same container with a configuration that knows of no global enhancer.
    const local = Object.create(container, { applicationConfig: { value: new ApplicationConfig() } }) as NestContainer;
    const creator = ExternalContextCreator.fromContainer(globalEnhancers ? container : local);
    const apply = creator.getParamValue.bind(creator);
    return Object.assign(creator, {
      // Nest would look for the class among providers only, and in the first module that has it.
      getHostModuleKey: () => moduleKey,
      getContextModuleKey: () => moduleKey,
      getMetadata: (instance: object, method: string | symbol) => {
        const parameters = parametersOf(instance.constructor, method, contextOnly);
        const factory = { exchangeKeyForValue: valueOf };
        const types = (Reflect.getMetadata(PARAMTYPES_METADATA, instance, method) as unknown[] | undefined) ?? [];
        const contextFactory = (args: unknown[]) => {
          const host = new ExecutionContextHost(
            args,
            instance.constructor as never,
            (instance as Record<string | symbol, Callable>)[method],
          );
          host.setType(HOLDFAST_CONTEXT);
          return host;
        };
        return {
          argsLength: Math.max(...Object.values(parameters).map(({ index }) => index)) + 1,
          paramtypes: types,
          getParamsMetadata: (module: string, contextId?: ContextId, inquirerId?: string) =>
            creator.exchangeKeysForValues(
              Object.keys(parameters),
              parameters,
              module,
              factory,
              contextId,
              inquirerId,
              contextFactory,
            ),
        };
      },
      getParamValue: (value: unknown, metadata: ArgumentMetadata, pipes: PipeTransform[]) =>
        (metadata.type as unknown) === CONTEXT_PARAMETER ? Promise.resolve(value) : apply(value, metadata, pipes),
      // An Observable without a value is a handler without a result.
      transformToResult: async (result: unknown) => lastOf(result),
    });
  }

  private contextOf(request: JobRequest): ContextId {
    const contextId = ContextIdFactory.getByRequest(request);
    this.external.registerRequestProvider(contextId.getParent ? contextId.payload : request, contextId);
    return contextId;
  }

  /** Nest skips an enhancer that it did not make: a guard would be no guard. */
  private refuseUnmadeEnhancers(wrapper: InstanceWrapper, host: object, method: string | symbol): void {
    const callback = (host as { prototype?: Record<string | symbol, object> }).prototype?.[method];
    for (const key of enhancerKeys) {
      for (const place of [host, callback]) {
        const declared: unknown[] = (place && Reflect.getMetadata(key, place)) ?? [];
        for (const enhancer of declared) {
          if (typeof enhancer !== 'function' || wrapper.host?.injectables.has(enhancer as never)) continue;
          throw new JobHandlerRefusedError(
            `${String(wrapper.name)}.${String(method)}: ${enhancer.name} is not made by Nest there (a method named by a symbol, or a provider ` +
              'by useFactory or useValue). Name the method by a string, provide the class itself, or give an instance of the enhancer.',
          );
        }
      }
    }
  }
}

/** Nest makes those per request, for controllers only: they would be left out here without a word. */
function refuseScopedGlobals(config: ApplicationConfig | undefined): void {
  if (!config) return;
  const scoped = [
    ...config.getGlobalRequestGuards(),
    ...config.getGlobalRequestPipes(),
    ...config.getGlobalRequestInterceptors(),
    ...config.getGlobalRequestFilters(),
  ];
  if (scoped.length === 0) return;
  throw new JobHandlerRefusedError(
    `handlers.globalEnhancers = true: ${scoped.map(({ name }) => String(name)).join(', ')} is global and request-scoped, which is applied to HTTP only. ` +
      'Make it a singleton, or declare it on the handlers and leave the option out.',
  );
}

/** Nothing is declared around the method, and nothing on its parameters. */
function isPlain(instance: object, method: string | symbol): boolean {
  const host = instance.constructor;
  const callback = (instance as Record<string | symbol, Callable>)[method];
  if (Reflect.hasMetadata(ROUTE_ARGS_METADATA, host, method)) return false;
  return !enhancerKeys.some((key) => Reflect.hasMetadata(key, host) || Reflect.hasMetadata(key, callback));
}

function lastOf(result: unknown): unknown {
  return isObservable(result) ? lastValueFrom(result, { defaultValue: null }) : result;
}
