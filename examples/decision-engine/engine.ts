import 'reflect-metadata';
import { ConsoleLogger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HoldfastService, JobOwnershipModule } from 'holdfast';
import { AuditRunner, CLUSTER_SOURCE, observedCluster, WALL_CLOCK } from './audit-runner';
import { faultyStore, type Fault } from './faults';
import { Ledger } from './ledger';
import { logFromText } from './log';
import { shareStateFolder } from './state-folder';

/**
 * One decision engine: an ordinary Nest application. It is told everything by its environment and tells its parent how long its peers are silent.
 */
const state = required('DEMO_STATE');
const host = required('DEMO_HOST');
const log = logFromText(required('DEMO_LOG'));
const fault = (process.env.DEMO_FAULT ?? 'none') as Fault;

@Module({
  imports: [
    JobOwnershipModule.forRootAsync({
      useFactory: async () => ({
        service: { name: 'engine', host },
        stateDirectory: state,
        store: { kind: 'adapter' as const, store: await faultyStore(log, fault) },
        liveness: process.env.DEMO_PROFILE === 'tuned' ? ('tuned' as const) : ('default' as const),
        homeAfterMs: 3_000,
        drainTimeoutMs: 4_000,
      }),
    }),
  ],
  providers: [
    AuditRunner,
    { provide: Ledger, useFactory: () => new Ledger(`${state}/ledger.sqlite`, `${state}/plans.log`) },
    { provide: CLUSTER_SOURCE, useValue: observedCluster },
    { provide: WALL_CLOCK, useValue: () => Date.now() },
  ],
})
class EngineModule {}

async function main(): Promise<void> {
  shareStateFolder(state);
  const app = await NestFactory.createApplicationContext(EngineModule, {
    logger: new ConsoleLogger({ json: true, colors: false }),
  });
  app.enableShutdownHooks();
  const holdfast = app.get(HoldfastService);
  const tell = setInterval(() => {
    process.send?.({ kind: 'silences', silences: holdfast.membership?.silences() ?? [] });
  }, 500);
  tell.unref();
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: engines are started by the demo.`);
  return value;
}

void main();
