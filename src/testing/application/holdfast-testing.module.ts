import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { endBeforeDrain, HOLDFAST_PORTS, JobOwnershipModule } from '../../module';
import { HoldfastService, type HoldfastOptions } from '../../runtime';
import { HoldfastTesting, type HoldfastTestingOptions } from './holdfast-testing';

/** Options of the service under test; every one has a default, `service` too: `{ name: 'app', host: 'test' }`. */
export type TestedServiceOptions = Partial<Omit<HoldfastOptions, 'store' | 'stateDirectory'>>;

/**
 * Holdfast for tests of an application: the log in memory, a virtual clock, everything else as in production. No test framework is needed.
 *
 * - `forRoot(options?)` in the place of `JobOwnershipModule.forRoot`, for a test of some modules;
 * - `forApplication()` beside an application that imports `JobOwnershipModule` itself; its options hold, but for the log.
 *
 * `app.init()` resolves when the service is registered and the declared jobs are in the log; `app.close()` drains, and fails when a timer
 * is left. Inject `HoldfastTesting`, or `app.get(HoldfastTesting)`.
 */
@Module({})
export class HoldfastTestingModule implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private flowing: Promise<void> = Promise.resolve();
  private bootstrapped = false;

  static forRoot(options: TestedServiceOptions = {}, testing: HoldfastTestingOptions = {}): DynamicModule {
    const service = { name: 'app', host: 'test', ...options.service };
    const root = JobOwnershipModule.forRoot({ ...options, service, store: { kind: 'memory' } });
    return { ...HoldfastTestingModule.forApplication(testing), imports: [root] };
  }

  static forApplication(options: HoldfastTestingOptions = {}): DynamicModule {
    return {
      module: HoldfastTestingModule,
      global: true,
      providers: [
        { provide: HoldfastTesting, useFactory: () => new HoldfastTesting(options) },
        {
          provide: HOLDFAST_PORTS,
          inject: [HoldfastTesting],
          useFactory: (testing: HoldfastTesting) => testing.ports(),
        },
      ],
      exports: [HoldfastTesting, HOLDFAST_PORTS],
    };
  }

  constructor(
    @Inject(HoldfastTesting) private readonly testing: HoldfastTesting,
    @Inject(HoldfastService) private readonly service: HoldfastService,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    endBeforeDrain(modules, HoldfastTestingModule);
  }

  onModuleInit(): void {
    this.flowing = this.testing.flowWhileStarting(this.service, () => this.bootstrapped);
    this.flowing.catch(() => undefined);
  }

  /** After `JobOwnershipModule`, which has started the service. */
  async onApplicationBootstrap(): Promise<void> {
    this.bootstrapped = true;
    await this.flowing;
    await this.testing.started(this.service);
  }

  /** Before `JobOwnershipModule`: the drain takes virtual time. */
  async onModuleDestroy(): Promise<void> {
    this.bootstrapped = true;
    await this.testing.ended(this.service);
  }
}
