import {
  ConfigurableModuleBuilder,
  type ConfigurableModuleAsyncOptions,
  Inject,
  Logger as NestLogger,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { DiscoveryModule, ModuleRef, ModulesContainer } from '@nestjs/core';
import { CqrsModule, EventBus } from '@nestjs/cqrs';
import { SchedulerRegistry } from '@nestjs/schedule';
import { RegisteredClock, SystemClock } from '../clock';
import { commandHandlers, CommandExecutor, Jobs, Services } from '../commands';
import { NestJsLogger } from '../logging';
import { queryHandlers, Queries } from '../queries';
import { HoldfastService, resolveOptions, type HoldfastOptions, type RuntimePorts } from '../runtime';
import { DeclarationExplorer } from './declaration-explorer';
import { HandlerExplorer } from './handler-explorer';
import { factOf } from './facts';
import { HandlerInvoker } from './handlers';
import { drainFirst, whoIsDestroyedBefore } from './shutdown-order';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<HoldfastOptions>()
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createHoldfastOptions')
  .build();

/** Options that the host's container makes: `useFactory` (with `inject`), or a class with `createHoldfastOptions()` by `useClass` or `useExisting`. */
export type HoldfastAsyncOptions = ConfigurableModuleAsyncOptions<HoldfastOptions, 'createHoldfastOptions'>;

/**
 * Token of `RuntimePorts` (a clock, randomness, a logger) that take the place of the machine's own. Optional: a global module of the host
 * provides it, as a test does that turns a `VirtualClock`.
 */
export const HOLDFAST_PORTS = Symbol.for('holdfast:ports');

/** The one instance of Holdfast in a process, for every module of the host. Global: its providers outlive the drain. */
@Module({
  imports: [CqrsModule, DiscoveryModule],
  providers: [
    HandlerExplorer,
    HandlerInvoker,
    DeclarationExplorer,
    {
      provide: RegisteredClock,
      inject: [{ token: HOLDFAST_PORTS, optional: true }],
      useFactory: (ports?: RuntimePorts) => new RegisteredClock(ports?.clock ?? new SystemClock()),
    },
    {
      provide: HoldfastService,
      inject: [MODULE_OPTIONS_TOKEN, RegisteredClock, { token: HOLDFAST_PORTS, optional: true }],
      useFactory: (options: HoldfastOptions, clock: RegisteredClock, ports?: RuntimePorts) => {
        const logger = new NestJsLogger(new NestLogger('Holdfast'));
        return HoldfastService.open(resolveOptions(options), { logger, ...ports, clock });
      },
    },
    { provide: CommandExecutor, inject: [HoldfastService], useFactory: (h: HoldfastService) => h.executor },
    { provide: Jobs, inject: [HoldfastService], useFactory: (h: HoldfastService) => h.jobs },
    { provide: Services, inject: [HoldfastService], useFactory: (h: HoldfastService) => h.services },
    { provide: Queries, inject: [HoldfastService], useFactory: (h: HoldfastService) => h.queries },
    ...commandHandlers,
    ...queryHandlers,
  ],
  exports: [
    ...[HoldfastService, Jobs, Services, Queries, HandlerExplorer, DeclarationExplorer, HandlerInvoker],
    ...[RegisteredClock, CqrsModule],
  ],
})
class JobOwnershipCoreModule extends ConfigurableModuleClass {}

/** The host's registry if it has one. Importing ScheduleModule here would make the host's own cron jobs fire twice. */
function registryOf(moduleRef: ModuleRef): SchedulerRegistry {
  try {
    return moduleRef.get(SchedulerRegistry, { strict: false });
  } catch {
    return new SchedulerRegistry();
  }
}

/**
 * Holdfast in a NestJS application.
 *
 * - `forRoot(options)` or `forRootAsync({ useFactory | useClass | useExisting })`, once, in the root module.
 * - Nothing runs before the application is bootstrapped; then the service registers, beats, and runs what it owns.
 * - `app.close()`, and signals after `enableShutdownHooks()`, drain it before the host's own providers are destroyed.
 *
 * Injectable everywhere: `Jobs`, `Services`, `Queries`, `HoldfastService`.
 */
@Module({})
export class JobOwnershipModule implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly log = new NestLogger('Holdfast');

  static forRoot(options: HoldfastOptions): DynamicModule {
    return { module: JobOwnershipModule, imports: [{ ...JobOwnershipCoreModule.forRoot(options), global: true }] };
  }

  static forRootAsync(options: HoldfastAsyncOptions): DynamicModule {
    return { module: JobOwnershipModule, imports: [{ ...JobOwnershipCoreModule.forRootAsync(options), global: true }] };
  }

  constructor(
    @Inject(HoldfastService) private readonly holdfast: HoldfastService,
    @Inject(HandlerExplorer) private readonly explorer: HandlerExplorer,
    @Inject(DeclarationExplorer) private readonly declarationExplorer: DeclarationExplorer,
    @Inject(EventBus) private readonly eventBus: EventBus,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(RegisteredClock) private readonly clock: RegisteredClock,
  ) {
    drainFirst(this.modules, JobOwnershipModule);
  }

  async onApplicationBootstrap(): Promise<void> {
    // Not earlier: until every module is initialized the registry may be no more than a prototype.
    this.clock.showIn(registryOf(this.moduleRef));
    this.explorer.explore(this.holdfast.handlers, this.holdfast.options.handlers);
    this.declarationExplorer.explore(this.holdfast.declared, this.holdfast.handlers, this.holdfast.options.handlers);
    this.warnOfWrongOrder();
    if (this.holdfast.options.publishFacts) {
      this.holdfast.onFact(({ event, id, revision, position, created }) => {
        const fact = factOf(event, id, revision, position, created);
        if (fact) this.eventBus.publish(fact);
      });
    }
    await this.holdfast.start();
  }

  async onModuleDestroy(): Promise<void> {
    await this.holdfast.close();
  }

  private warnOfWrongOrder(): void {
    const before = whoIsDestroyedBefore(this.modules, JobOwnershipModule);
    if (before.length === 0 || this.holdfast.handlers.names().length === 0) return;
    this.log.warn(
      `On shutdown ${before.join(', ')} will be destroyed before running jobs have been drained; handlers that use them will fail then. ` +
        'Import JobOwnershipModule last in the root module, and keep such providers in modules of their own.',
    );
  }
}
