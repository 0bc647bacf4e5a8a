import { Module } from '@nestjs/common';
import { CommandBus, CqrsModule } from '@nestjs/cqrs';
import { Test } from '@nestjs/testing';
import {
  CommandExecutor,
  commandHandlers,
  CommandRefusedError,
  Jobs,
  jobType,
  ScheduleJobCommand,
  Services,
} from '../../src/commands';
import { Bench, candidate } from './bench';

const Audit = jobType<{ readonly goal: string }>('audit');

/** The handlers as a host has them: on Nest's bus, over the one executor. */
async function onBus(bench: Bench) {
  @Module({
    imports: [CqrsModule],
    providers: [{ provide: CommandExecutor, useValue: bench.executor }, ...commandHandlers],
  })
  class Commands {}
  const module = await Test.createTestingModule({ imports: [Commands] }).compile();
  await module.init();
  return { bus: module.get(CommandBus, { strict: false }), close: () => module.close() };
}

it('has a handler for every command', () => {
  expect(commandHandlers.map((handler) => handler.name)).toHaveLength(23);
  expect(new Set(commandHandlers).size).toBe(23);
});

it('takes a job through its operator’s life', async () => {
  const bench = new Bench();
  bench.services.set('a', candidate('a'));
  const { bus, close } = await onBus(bench);
  const jobs = new Jobs(bus);
  await jobs.schedule(Audit, { goal: 'balance' }, { id: 'j', schedule: { kind: 'interval', every: 'PT1H' } });
  await jobs.bind('j', 'a');
  await jobs.pause('j', { reason: 'maintenance', actor: 'ann' });
  await jobs.runNow('j');
  await jobs.resume('j');
  await jobs.reschedule('j', { schedule: { kind: 'interval', every: 'PT2H' } });
  const removed = await jobs.remove('j');
  const events = await bench.events('job-j');
  expect(events.map((event) => event.type)).toEqual([
    'JobScheduled',
    'JobBoundToService',
    'JobPaused',
    'JobRunRequested',
    'JobResumed',
    'JobRescheduled',
    'JobSlotsSkipped',
    'JobCancelled',
    'JobRemoved',
  ]);
  expect(removed).toEqual({ id: 'j', revision: 8, position: 9n, added: 3 });
  expect(JSON.parse(events[2].metadata)).toMatchObject({ actor: 'ann' });
  await expect(new Services(bus).drain('nobody')).rejects.toMatchObject({ code: 'service-unknown' });
  await close();
});

it('refuses what is wrong, on the bus too', async () => {
  const bench = new Bench();
  const { bus, close } = await onBus(bench);
  const refused = bus.execute(new ScheduleJobCommand({ handler: 'audit', payload: { n: 1n } }));
  await expect(refused).rejects.toBeInstanceOf(CommandRefusedError);
  await expect(refused).rejects.toMatchObject({ refusals: [{ code: 'payload-not-json', field: 'payload.n' }] });
  await close();
});
