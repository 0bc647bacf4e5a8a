import { Controller, Injectable, type Provider, type Type } from '@nestjs/common';
import { CronExpression } from '@nestjs/schedule';
import { DateTime } from 'luxon';
import { START, ticksOfHoldfast, ticksOfNest, type Decorators, type Define } from './hosts';

/** A provider with one method of one decorator. */
function one(decorate: (decorators: Decorators) => MethodDecorator, run?: () => unknown): Define {
  return (decorators, tick) => {
    class Tasks {
      handle(): unknown {
        tick('handle');
        return run?.();
      }
    }
    decorate(decorators)(Tasks.prototype, 'handle', Object.getOwnPropertyDescriptor(Tasks.prototype, 'handle')!);
    Injectable()(Tasks);
    return { providers: [Tasks] };
  };
}

interface Case {
  readonly define: Define;
  /** How long it is watched, ms. */
  readonly ms: number;
  /** How many ticks there must be: a case that compares nothing with nothing proves nothing. */
  readonly ticks: number;
}

const at = (ms: number) => new Date(START + ms);

const cases: Readonly<Record<string, Case>> = {
  // The examples of the documentation.
  "@Cron('45 * * * * *')": { define: one(({ Cron }) => Cron('45 * * * * *')), ms: 70_000, ticks: 1 },
  '@Cron(CronExpression.EVERY_30_SECONDS)': {
    define: one(({ Cron }) => Cron(CronExpression.EVERY_30_SECONDS)),
    ms: 65_000,
    ticks: 2,
  },
  "@Cron('* * 12 * * 0', { name, timeZone })": {
    define: one(({ Cron }) => Cron('* * 12 * * 0', { name: 'notifications', timeZone: 'Europe/Paris' })),
    ms: 5_000,
    ticks: 5,
  },
  '@Cron(new Date(…))': { define: one(({ Cron }) => Cron(at(2_500))), ms: 6_000, ticks: 1 },
  '@Interval(10000)': { define: one(({ Interval }) => Interval(10_000)), ms: 35_000, ticks: 3 },
  "@Interval('notifications', 2500)": {
    define: one(({ Interval }) => Interval('notifications', 2_500)),
    ms: 9_000,
    ticks: 3,
  },
  '@Timeout(5000)': { define: one(({ Timeout }) => Timeout(5_000)), ms: 12_000, ticks: 1 },
  "@Timeout('notifications', 2500)": {
    define: one(({ Timeout }) => Timeout('notifications', 2_500)),
    ms: 9_000,
    ticks: 1,
  },
  // Forms.
  'each second': { define: one(({ Cron }) => Cron('* * * * * *')), ms: 6_000, ticks: 6 },
  'five fields': { define: one(({ Cron }) => Cron('* * * * *')), ms: 125_000, ticks: 2 },
  'a nickname': { define: one(({ Cron }) => Cron('@minutely')), ms: 65_000, ticks: 1 },
  'a step after a number': { define: one(({ Cron }) => Cron('10/15 * * * * *')), ms: 60_000, ticks: 4 },
  'a DateTime of Luxon': {
    define: one(({ Cron }) => Cron(DateTime.fromMillis(START + 3_210))),
    ms: 6_000,
    ticks: 1,
  },
  // Options.
  'utcOffset of whole hours': {
    define: one(({ Cron }) => Cron('0 0 14 * * *', { utcOffset: 120 })),
    ms: 125_000,
    ticks: 1,
  },
  'utcOffset of half hours, west': {
    define: one(({ Cron }) => Cron('0 30 8 * * *', { utcOffset: -210 })),
    ms: 125_000,
    ticks: 1,
  },
  'utcOffset of few minutes': {
    define: one(({ Cron }) => Cron('0 5 12 * * *', { utcOffset: 5 })),
    ms: 125_000,
    ticks: 1,
  },
  'utcOffset 0': { define: one(({ Cron }) => Cron('0 0 12 * * *', { utcOffset: 0 })), ms: 125_000, ticks: 1 },
  'a zone': { define: one(({ Cron }) => Cron('0 30 17 * * *', { timeZone: 'Asia/Kolkata' })), ms: 125_000, ticks: 1 },
  'no zone: that of the process': {
    define: one(({ Cron }) => Cron(`0 ${at(61_000).getMinutes()} ${at(61_000).getHours()} * * *`)),
    ms: 125_000,
    ticks: 1,
  },
  'disabled: true': { define: one(({ Cron }) => Cron('* * * * * *', { disabled: true })), ms: 4_000, ticks: 0 },
  'disabled: false': { define: one(({ Cron }) => Cron('* * * * * *', { disabled: false })), ms: 4_000, ticks: 4 },
  initialDelay: { define: one(({ Cron }) => Cron('* * * * * *', { initialDelay: 3_500 })), ms: 7_000, ticks: 4 },
  'unrefTimeout, waitForCompletion, threshold': {
    define: one(({ Cron }) => Cron('*/2 * * * * *', { unrefTimeout: true, waitForCompletion: true, threshold: 100 })),
    ms: 7_000,
    ticks: 3,
  },
  'a name that is no id': {
    define: one(({ Cron }) => Cron('* * * * * *', { name: 'täglich & more' })),
    ms: 3_000,
    ticks: 3,
  },
  // Behaviours.
  'a tick that throws does not stop later ones': {
    define: one(
      ({ Cron }) => Cron('* * * * * *'),
      () => {
        throw new Error('broken');
      },
    ),
    ms: 4_000,
    ticks: 4,
  },
  'nor does one that rejects': {
    define: one(
      ({ Interval }) => Interval(700),
      () => Promise.reject(new Error('broken')),
    ),
    ms: 3_000,
    ticks: 4,
  },
  'a tick that is a promise': {
    define: one(
      ({ Cron }) => Cron('* * * * * *', { waitForCompletion: true }),
      async () => Promise.resolve(),
    ),
    ms: 4_000,
    ticks: 4,
  },
  'a broken neighbour disturbs nobody': {
    define: (decorators, tick) => ({
      providers: [
        ...(one(({ Cron }) => Cron('* * * * * *'))(decorators, () => {
          throw new Error('broken');
        }).providers as Provider[]),
        ...named(decorators, tick, 'Healthy', ({ Interval }) => Interval(1_000)),
      ],
    }),
    ms: 4_500,
    ticks: 4,
  },
  'a controller': {
    define: (decorators, tick) => ({
      controllers: named(decorators, tick, 'Reports', ({ Cron }) => Cron('* * * * * *'), Controller()) as Type[],
    }),
    ms: 3_000,
    ticks: 3,
  },
  'a base class: each subclass ticks': {
    define: ({ Cron }, tick) => {
      abstract class Base {
        @Cron('* * * * * *')
        handle(): void {
          tick(this.constructor.name);
        }
      }
      @Injectable()
      class First extends Base {}
      @Injectable()
      class Second extends Base {}
      return { providers: [First, Second] };
    },
    ms: 3_000,
    ticks: 6,
  },
  'an override without the decorator does not tick': {
    define: ({ Cron }, tick) => {
      class Base {
        @Cron('* * * * * *')
        handle(): void {
          tick('base');
        }
      }
      @Injectable()
      class Child extends Base {
        override handle(): void {
          tick('child');
        }
      }
      return { providers: [Base, Child] };
    },
    ms: 3_000,
    ticks: 3,
  },
  'an override is what ticks': {
    define: ({ Cron }, tick) => {
      class Base {
        handle(): void {
          tick('base');
        }
      }
      @Injectable()
      class Child extends Base {
        @Cron('* * * * * *')
        override handle(): void {
          tick('child');
        }
      }
      return { providers: [Child] };
    },
    ms: 3_000,
    ticks: 3,
  },
  'of two decorators on one method the outer one counts': {
    define: ({ Cron, Interval }, tick) => {
      @Injectable()
      class Tasks {
        @Interval(1_500)
        @Cron('* * * * * *')
        handle(): void {
          tick('handle');
        }
      }
      return { providers: [Tasks] };
    },
    ms: 4_000,
    ticks: 2,
  },
  'a provider by useFactory, and what is injected': {
    define: ({ Cron }, tick) => {
      class Tasks {
        constructor(private readonly what: string) {}
        @Cron('* * * * * *')
        handle(): void {
          tick(this.what);
        }
      }
      return {
        providers: [
          { provide: 'WHAT', useValue: 'injected' },
          { provide: 'TASKS', useFactory: (what: string) => new Tasks(what), inject: ['WHAT'] },
        ],
      };
    },
    ms: 3_000,
    ticks: 3,
  },
  'several methods of one provider': {
    define: ({ Cron, Interval, Timeout }, tick) => {
      @Injectable()
      class Tasks {
        @Cron('*/2 * * * * *')
        cron(): void {
          tick('cron');
        }
        @Interval(1_700)
        interval(): void {
          tick('interval');
        }
        @Timeout(2_300)
        timeout(): void {
          tick('timeout');
        }
      }
      return { providers: [Tasks] };
    },
    ms: 6_000,
    ticks: 7,
  },
};

function named(
  decorators: Decorators,
  tick: (what: string) => void,
  name: string,
  decorate: (decorators: Decorators) => MethodDecorator,
  also: ClassDecorator = Injectable(),
): Type[] {
  const Tasks = {
    [name]: class {
      handle(): void {
        tick(name);
      }
    },
  }[name];
  decorate(decorators)(Tasks.prototype, 'handle', Object.getOwnPropertyDescriptor(Tasks.prototype, 'handle')!);
  also(Tasks);
  return [Tasks];
}

describe('the same ticks as with @nestjs/schedule', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    const { define, ms, ticks } = cases[name];
    const expected = await ticksOfNest(define, ms);
    expect(expected).toHaveLength(ticks);
    expect(await ticksOfHoldfast(define, ms)).toEqual(expected);
  });
});

describe('on five replicas: one run per tick', () => {
  it.each(Object.keys(cases))('%s', async (name) => {
    const { define, ms } = cases[name];
    expect(await ticksOfHoldfast(define, ms, 5)).toEqual(await ticksOfNest(define, ms));
  });
});
