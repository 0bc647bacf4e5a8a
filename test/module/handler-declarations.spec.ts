import {
  BadRequestException,
  Controller,
  createParamDecorator,
  forwardRef,
  Inject,
  Injectable,
  Module,
  UseGuards,
  ValidationPipe,
  UsePipes,
  type CanActivate,
  type ExecutionContext,
  type INestApplicationContext,
  type ModuleMetadata,
} from '@nestjs/common';
import { IsInt, IsPositive } from 'class-validator';
import {
  HoldfastService,
  JobHandler,
  JobHandlerRefusedError,
  JobOwnershipModule,
  Jobs,
  jobType,
  type JobContext,
} from '../../src';
import { Hosts, ready, until } from './host';

class Amount {
  @IsInt()
  @IsPositive()
  readonly cents!: number;
}
const Pay = jobType<Amount>('pay', { tag: { name: 'host' }, policies: { priority: 1, timeoutMs: 5_000 } });
const context = { jobId: 'job-1' } as unknown as JobContext;

describe('what a handler declares', () => {
  const hosts = new Hosts();
  afterEach(() => hosts.close());

  const start = (metadata: ModuleMetadata): Promise<INestApplicationContext> =>
    hosts.start({ ...metadata, imports: [JobOwnershipModule.forRoot(hosts.options()), ...(metadata.imports ?? [])] });
  const code = (app: INestApplicationContext, name = 'pay') =>
    app.get(HoldfastService, { strict: false }).handlers.get(name)!.run;

  it('is written into the jobs that are scheduled here: the caller’s word first, then the handler’s, then the job type’s', async () => {
    @Injectable()
    class Payments {
      @JobHandler(Pay, { affinity: 'preferred', policies: { priority: 7, retry: { maxRetries: 2 } } })
      pay(): void {}
    }
    const app = await start({ providers: [Payments] });
    const holdfast = await ready(app);
    const jobs = app.get(Jobs, { strict: false });
    const { position } = await jobs.schedule(Pay, { cents: 1 }, { id: 'p', policies: { retry: { factor: 3 } } });
    await holdfast.readModel.waitFor(position, 5_000);
    expect(holdfast.readModel.job('p')).toMatchObject({
      tag: { name: 'host' },
      state: {
        definition: {
          affinity: 'preferred',
          policies: { priority: 7, timeoutMs: 5_000, retry: { maxRetries: 2, factor: 3, initialMs: 1_000 } },
        },
      },
    });
  });

  it.each<[object, string]>([
    [{ tag: { a: 1 } }, 'tag.a'],
    [{ policies: { timeoutMs: -1 } }, 'policies.timeoutMs'],
    [{ priority: 3 }, 'priority'],
  ])('is refused at start with place, field, rule and remedy: %j', async (options, field) => {
    @Injectable()
    class Payments {
      @JobHandler('pay', options as never)
      pay(): void {}
    }
    const refused = await start({ providers: [Payments] }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(JobHandlerRefusedError);
    expect((refused as Error).message).toMatch(new RegExp(`Payments\\.pay: ${field} = .*\\. .+\\.$`));
  });

  it('refuses a class without handle', async () => {
    class Empty {}
    (JobHandler('pay') as ClassDecorator)(Empty);
    await expect(start({ providers: [Empty] })).rejects.toThrow(/Empty: it has no method handle/);
  });

  it('has its payload validated by the class that the parameter names', async () => {
    @Injectable()
    class Payments {
      readonly paid: Amount[] = [];
      @JobHandler(Pay)
      @UsePipes(new ValidationPipe({ transform: true, whitelist: true }))
      pay(amount: Amount): void {
        this.paid.push(amount);
      }
    }
    const app = await start({ providers: [Payments] });
    await code(app)({ cents: 3, more: 'no' }, context);
    const [paid] = app.get(Payments).paid;
    expect(paid).toBeInstanceOf(Amount);
    expect(paid).toEqual({ cents: 3 });
    await expect(Promise.resolve(code(app)({ cents: -3 }, context))).rejects.toBeInstanceOf(BadRequestException);
    expect(app.get(Payments).paid).toHaveLength(1);
  });

  it('works on controllers, with a guard that is refused', async () => {
    @Injectable()
    class OnlyFirst implements CanActivate {
      canActivate(execution: ExecutionContext): boolean {
        return execution.getArgByIndex<JobContext>(1).jobId === 'job-1';
      }
    }
    const paid: string[] = [];
    @Controller('payments')
    class PaymentsController {
      @JobHandler(Pay)
      @UseGuards(OnlyFirst)
      pay(_: Amount, { jobId }: JobContext): void {
        paid.push(jobId);
      }
    }
    const app = await start({ controllers: [PaymentsController], providers: [OnlyFirst] });
    await code(app)({ cents: 1 }, context);
    await expect(Promise.resolve(code(app)({ cents: 1 }, { ...context, jobId: 'job-2' }))).rejects.toThrow(/Forbidden/);
    expect(paid).toEqual(['job-1']);
  });

  it('takes parameters by decorators of the host’s own', async () => {
    const JobId = createParamDecorator(
      (_: unknown, execution: ExecutionContext) => execution.getArgByIndex<JobContext>(1).jobId,
    );
    const seen: unknown[] = [];
    @Injectable()
    class Payments {
      @JobHandler('pay')
      pay(@JobId() jobId: unknown): void {
        seen.push(jobId);
      }
    }
    await code(await start({ providers: [Payments] }))({ cents: 1 }, context);
    expect(seen).toEqual(['job-1']);
  });

  it('finds handlers behind forward references, and runs each once', async () => {
    const ran: string[] = [];
    @Injectable()
    class Left {
      constructor(@Inject(forwardRef(() => Right)) readonly right: unknown) {}
      @JobHandler('left')
      left(): void {
        ran.push('left');
      }
    }
    @Injectable()
    class Right {
      constructor(@Inject(forwardRef(() => Left)) readonly left: unknown) {}
      @JobHandler('right')
      run(): void {
        ran.push('right');
      }
    }
    @Module({ providers: [Left, Right] })
    class Circle {}
    const app = await start({ imports: [Circle] });
    await ready(app);
    const jobs = app.get(Jobs, { strict: false });
    await jobs.schedule(jobType('left'), null);
    await jobs.schedule(jobType('right'), null);
    await until('both ran', () => ran.length === 2);
    expect(ran.sort()).toEqual(['left', 'right']);
  });

  it('is entered at once, in the same turn, where nothing of Nest stands before it', async () => {
    let entered = false;
    @Injectable()
    class Payments {
      @JobHandler('pay')
      pay(): void {
        entered = true;
      }
    }
    const run = code(await start({ providers: [Payments] }));
    void run({ cents: 1 }, context);
    expect(entered).toBe(true);
  });
});
