import { join } from 'node:path';
import { encode, EventStoreDbConnection } from 'holdfast';
import { AskedProcess } from '../asked-process';
import { connectionOfRound, type Place } from '../place';
import { eventOf } from '../rebuild';

/** What is compared: the client alone (`raw-side.ts`), and the same through the adapter (`adapter-side.ts`). Both answer the same questions, each in a process of its own. */
export type SideKind = 'raw' | 'adapter';

/** Texts of JSON. */
export interface Template {
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

export type SideRequest =
  /** Appends of one event: two to each new stream, so many in flight, with both subscriptions open. For so long, or so many. */
  | {
      readonly ask: 'append';
      readonly inFlight: number;
      readonly ms?: number;
      readonly count?: number;
    }
  /** One append after the other, and how long each takes until it is acknowledged and has arrived: at the subscription, or in the view. */
  | { readonly ask: 'latency'; readonly samples: number }
  /** From the begin of the place: until so many events have come. */
  | { readonly ask: 'catch-up'; readonly events: number };

export interface Appended {
  readonly perSecond: number;
  readonly tookMs: number;
  /** Processor time of the whole process per append. */
  readonly micros: number;
  /** Subscriptions that the server dropped meanwhile. */
  readonly dropped: number;
}

export interface CaughtUp {
  readonly perSecond: number;
  /** Processor time of the whole process per event. */
  readonly micros: number;
}

/** What a side is told when it begins. */
export interface SideOrder {
  readonly place: Place;
  /** A run: its start and its outcome. */
  readonly pair: readonly [Template, Template];
  readonly scheduled: Template;
  /** The categories of the subscriptions that every service has: the view's, and membership's. */
  readonly subscribed: readonly [view: readonly string[], membership: readonly string[]];
}

/** What else the raw side needs to know, because it imports nothing of Holdfast; asked for first, so that no process list shows it. */
export interface RawOrder {
  readonly ask: 'begin';
  readonly connection: string;
  readonly credentials: { readonly username: string; readonly password: string };
}

export class Side {
  private constructor(private readonly process: AskedProcess<SideRequest | RawOrder>) {}

  static async start(kind: SideKind, place: Place): Promise<Side> {
    const before = place.server === undefined ? '' : `${place.server.namespace}.`;
    const subscribed: SideOrder['subscribed'] = [
      [`${before}job`, `${before}service`],
      [`${before}service`, `${before}heartbeat`],
    ];
    const order: SideOrder = { place, pair: [START, OUTCOME], scheduled: templateOf(0), subscribed };
    const process = new AskedProcess<SideRequest | RawOrder>(
      join(__dirname, `${kind}-side.js`),
      [JSON.stringify(order)],
      `the ${kind} side`,
    );
    const { forClient, credentials } = EventStoreDbConnection.parse(connectionOfRound());
    const { username, password } = credentials;
    await process.ask({ ask: 'begin', connection: forClient, credentials: { username, password } });
    return new Side(process);
  }

  async append(how: { readonly inFlight: number; readonly ms?: number; readonly count?: number }): Promise<Appended> {
    return (await this.process.ask({ ask: 'append', ...how })) as Appended;
  }

  async latency(samples: number): Promise<readonly number[]> {
    return (await this.process.ask({ ask: 'latency', samples })) as readonly number[];
  }

  async catchUp(events: number): Promise<CaughtUp> {
    return (await this.process.ask({ ask: 'catch-up', events })) as CaughtUp;
  }

  kill(): Promise<void> {
    return this.process.kill();
  }
}

/** A JobScheduled, as the view knows it. */
export function templateOf(job: number): Template {
  const { type, data, schemaVersion } = encode(eventOf(job, 0));
  return { type, data, metadata: JSON.stringify({ schemaVersion }) };
}

/** As long as the events of a run. */
const metadata = JSON.stringify({ m: 'm'.repeat(121) });
const START: Template = { type: 'JobRunStarted', data: JSON.stringify({ s: 's'.repeat(201) }), metadata };
const OUTCOME: Template = { type: 'JobRunSucceeded', data: JSON.stringify({ o: 'o'.repeat(136) }), metadata };
