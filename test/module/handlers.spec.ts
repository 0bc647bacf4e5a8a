import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  Catch,
  Inject,
  Injectable,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type ModuleMetadata,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD, REQUEST } from '@nestjs/core';
import { map, of, tap } from 'rxjs';
import { HOLDFAST_CONTEXT, JobCtx, JobHandler, JobOwnershipModule, JobPayload, Jobs, jobType } from '../../src';
import { HoldfastService, type HoldfastOptions, type JobContext, type JobRequest, type JobRunner } from '../../src';
import { Hosts, until } from './host';

interface Sum {
  readonly a: number;
}
const Add = jobType<Sum>('add');
const context = { jobId: 'job-1' } as unknown as JobContext;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let trace: string[] = [];
beforeEach(() => (trace = []));

@Injectable()
class Journal {
  note(word: string): void {
    trace.push(word);
  }
}
@Injectable()
class Allow implements CanActivate {
  constructor(private readonly journal: Journal) {}
  canActivate(execution: ExecutionContext): boolean {
    this.journal.note(
      `guard ${execution.getType<string>()} ${execution.getClass().name}.${execution.getHandler().name}`,
    );
    return execution.getArgs().length === 2 && execution.getArgByIndex(1) === context;
  }
}
@Injectable()
class Deny implements CanActivate {
  canActivate(): boolean {
    return false;
  }
}
@Injectable()
class Double implements PipeTransform<Sum, Sum> {
  transform({ a }: Sum): Sum {
    return { a: a * 2 };
  }
}
@Injectable()
class Refuse implements PipeTransform {
  transform(): never {
    throw new TypeError('no such payload');
  }
}
@Injectable()
class Around implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler) {
    trace.push('before');
    return next.handle().pipe(
      tap((value) => trace.push(`after ${String(value)}`)),
      map((value) => `[${String(value)}]`),
    );
  }
}
class Odd extends Error {}
@Catch(Odd)
class Forgive implements ExceptionFilter {
  async catch(error: Odd): Promise<string> {
    return Promise.resolve(`forgiven ${error.message}`);
  }
}
@Catch(Odd)
class SayNothing implements ExceptionFilter {
  async catch(): Promise<void> {
    trace.push('seen');
    return Promise.resolve();
  }
}
@Catch(Odd)
class Translate implements ExceptionFilter {
  catch(error: Odd): never {
    throw new RangeError(`worse than ${error.message}`);
  }
}

describe('handlers', () => {
  const hosts = new Hosts();
  afterEach(() => hosts.close());

  /** The registered code of the one handler, in a real application. */
  async function handler(
    provider: NonNullable<ModuleMetadata['providers']>[number],
    options: Partial<HoldfastOptions> = {},
    more: ModuleMetadata = {},
  ) {
    const { providers = [], ...rest } = more;
    const app = await hosts.start({
      ...rest,
      imports: [JobOwnershipModule.forRoot(hosts.options(options))],
      providers: [Journal, provider, ...providers],
    });
    const { handlers } = app.get(HoldfastService, { strict: false });
    const run = handlers.get(handlers.names()[0])!.run;
    return async (payload: unknown = { a: 1 }, given = context) => run(payload as never, given);
  }

  const on = {
    method: (decorator: MethodDecorator & ClassDecorator, act: (p: Sum) => unknown) => {
      @Injectable()
      class OnMethod {
        @JobHandler(Add)
        @decorator
        add(payload: Sum): unknown {
          trace.push('handler');
          return act(payload);
        }
      }
      return OnMethod;
    },
    class: (decorator: MethodDecorator & ClassDecorator, act: (p: Sum) => unknown) => {
      @Injectable()
      @JobHandler(Add)
      @decorator
      class OnClass implements JobRunner<Sum> {
        handle(payload: Sum): unknown {
          trace.push('handler');
          return act(payload);
        }
      }
      return OnClass;
    },
  };
  const sum = ({ a }: Sum) => a;
  const throwOdd = () => {
    throw new Odd('odd');
  };

  describe.each([
    ['method', on.method, 'OnMethod.add'],
    ['class', on.class, 'OnClass.handle'],
  ] as const)('on a %s', (_, declare, place) => {
    it('runs behind a guard that lets it pass, with the context of a job', async () => {
      const run = await handler(declare(UseGuards(Allow), sum));
      expect(await run()).toBe(1);
      expect(trace).toEqual([`guard ${HOLDFAST_CONTEXT} ${place}`, 'handler']);
    });

    it('fails, and is not entered, when a guard denies', async () => {
      const run = await handler(declare(UseGuards(Deny), sum));
      await expect(run()).rejects.toThrow('Forbidden resource');
      expect(trace).toEqual([]);
    });

    it('gets what a pipe makes of the payload; the context passes it by', async () => {
      expect(await (await handler(declare(UsePipes(Double), sum)))()).toBe(2);
    });

    it('fails when a pipe refuses', async () => {
      const run = await handler(declare(UsePipes(Refuse), sum));
      await expect(run()).rejects.toThrow('no such payload');
      expect(trace).toEqual([]);
    });

    it('is spanned by an interceptor that sees the last value', async () => {
      const run = await handler(declare(UseInterceptors(Around), sum));
      expect(await run()).toBe('[1]');
      expect(trace).toEqual(['before', 'handler', 'after 1']);
    });

    it('succeeds with what a filter returns, and fails with what it throws or passes over', async () => {
      expect(await (await handler(declare(UseFilters(Forgive), throwOdd)))()).toBe('forgiven odd');
      await hosts.close();
      await expect((await handler(declare(UseFilters(Translate), throwOdd)))()).rejects.toThrow('worse than odd');
      await hosts.close();
      await expect((await handler(declare(UseFilters(SayNothing), throwOdd)))()).rejects.toThrow(Odd);
      expect(trace).toContain('seen');
    });
  });

  it('awaits the last value of an Observable', async () => {
    expect(await (await handler(on.class(UseGuards(Allow), () => of(1, 2, 3))))()).toBe(3);
  });

  it('fills decorated parameters, through pipes of their own', async () => {
    const plus = { transform: (value: number) => value + 1 };
    @Injectable()
    class Mixed {
      @JobHandler('mixed')
      mixed(@JobCtx() own: unknown, @JobPayload('a', plus) a: JobContext): unknown {
        return [own === context, a];
      }
    }
    expect(await (await handler(Mixed))({ a: 4 })).toEqual([true, 5]);
  });

  it('leaves global enhancers to HTTP unless the option says otherwise', async () => {
    const more = { providers: [{ provide: APP_GUARD, useClass: Deny }] };
    expect(await (await handler(on.class(UsePipes(Double), sum), {}, more))()).toBe(2);
    await hosts.close();
    const run = await handler(on.class(UsePipes(Double), sum), { handlers: { globalEnhancers: true } }, more);
    await expect(run()).rejects.toThrow('Forbidden resource');
  });

  it('refuses an option that is none, and a global enhancer per request', async () => {
    await expect(
      handler(on.class(UsePipes(Double), sum), { handlers: { globalEnhancers: 'yes' as never } }),
    ).rejects.toThrow('handlers.globalEnhancers = yes');
    const more = { providers: [{ provide: APP_GUARD, useClass: Deny, scope: Scope.REQUEST }] };
    await expect(
      handler(on.class(UsePipes(Double), sum), { handlers: { globalEnhancers: true } }, more),
    ).rejects.toThrow('request-scoped');
  });

  describe.each([
    ['request-scoped', Scope.REQUEST],
    ['transient', Scope.TRANSIENT],
  ])('in a %s provider', (_, scope) => {
    it('has an instance of its own per run, which is released after it', async () => {
      let made = 0;
      let collected = 0;
      const registry = new FinalizationRegistry(() => collected++);
      @Injectable({ scope })
      @JobHandler(Add)
      @UseGuards(Allow)
      class Own implements JobRunner<Sum> {
        private readonly number = ++made;
        constructor(readonly journal: Journal) {
          registry.register(this, null);
        }
        handle(): number {
          return this.number;
        }
      }
      const run = await handler(Own);
      const before = made;
      for (let i = 1; i <= 1_000; i++) {
        expect(await run()).toBe(before + i);
      }
      await until('the instances are released', () => {
        collectGarbage();
        return collected >= 990;
      });
    });
  });

  it('is made anew when it depends on a request-scoped provider, which is given the request', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Asked {
      constructor(@Inject(REQUEST) readonly request: JobRequest<Sum>) {
        if (request.payload.a < 0) throw new RangeError('cannot be made');
      }
    }
    @Injectable()
    @JobHandler(Add)
    class Depends implements JobRunner<Sum> {
      constructor(private readonly asked: Asked) {}
      handle(payload: Sum): unknown {
        return [this.asked.request.payload === payload, this.asked.request.context === context];
      }
    }
    const run = await handler(Depends, {}, { providers: [Asked] });
    expect(await run()).toEqual([true, true]);
    await expect(run({ a: -1 })).rejects.toThrow('cannot be made');
    expect(await run()).toEqual([true, true]);
  });

  it('may be inherited, or named by a symbol', async () => {
    const name = Symbol('run');
    abstract class Base {
      abstract word(): string;
      @JobHandler(jobType<Sum>('based'))
      [name](payload: Sum): string {
        return `${this.word()} ${payload.a}`;
      }
    }
    @Injectable()
    class Derived extends Base {
      word(): string {
        return 'derived';
      }
    }
    expect(await (await handler(Derived))()).toBe('derived 1');
  });

  it('comes from a factory, and is found once under an alias', async () => {
    class Plain {
      @JobHandler(Add)
      add(payload: Sum): number {
        return payload.a;
      }
    }
    const more = { providers: [{ provide: 'other', useExisting: 'made' }] };
    expect(await (await handler({ provide: 'made', useFactory: () => new Plain() }, {}, more))()).toBe(1);
  });

  it('refuses what would be left out without a word', async () => {
    class Guarded {
      @JobHandler(Add)
      @UseGuards(Allow)
      add(payload: Sum): number {
        return payload.a;
      }
    }
    await expect(handler({ provide: 'made', useFactory: () => new Guarded() })).rejects.toThrow(
      'Allow is not made by Nest there',
    );
    const name = Symbol('run');
    @Injectable()
    class Symbolic {
      @JobHandler(Add)
      @UseGuards(Allow)
      [name](payload: Sum): number {
        return payload.a;
      }
    }
    await expect(handler(Symbolic)).rejects.toThrow('Symbolic.Symbol(run): Allow is not made by Nest there');
    await expect(
      handler(on.class(UsePipes(Double), sum), {}, { providers: [on.method(UsePipes(Double), sum)] }),
    ).rejects.toThrow(/OnClass\.handle and on .*OnMethod\.add/);
    expect(() => {
      class Static {
        @JobHandler(Add)
        static add(): void {}
      }
      return Static;
    }).toThrow('Static.add: a static method');
  });

  it('fails the run in the log when a guard denies', async () => {
    const app = await hosts.start({
      imports: [JobOwnershipModule.forRoot(hosts.options())],
      providers: [Journal, on.method(UseGuards(Deny), sum)],
    });
    const failed = new Promise<unknown>((resolve) => {
      app.get(HoldfastService, { strict: false }).onFact(({ event }) => {
        if (event.type === 'JobRunFailed') resolve(event.data);
      });
    });
    await app.get(Jobs, { strict: false }).schedule(Add, { a: 1 });
    expect(await failed).toMatchObject({ error: 'ForbiddenException', message: 'Forbidden resource' });
  });

  it('has a payload of the shape that the type says, or does not compile', () => {
    // @ts-expect-error: the payload has another shape
    @JobHandler(Add)
    class Wrong {
      handle(payload: { readonly b: string }): void {
        trace.push(payload.b);
      }
    }
    // @ts-expect-error: there is no handle
    @JobHandler(Add)
    class Without {}
    expect([Wrong, Without]).toHaveLength(2);
  });
});
