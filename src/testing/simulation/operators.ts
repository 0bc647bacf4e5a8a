import { jobType, type CommandResult } from '../../commands';
import type { HoldfastService } from '../../runtime';
import { ORDER } from './judge';
import type { Scheduler } from './scheduler';
import { startOf, type Action, type Script } from './script';

type Ordered = Extract<Action, { do: 'order' }>;
type Facade = Pick<HoldfastService, 'jobs' | 'services'>;

export interface OperatorPorts {
  readonly scheduler: Scheduler;
  readonly note: (what: string) => void;
  /** The service at that place, or another that lives; null: none does. */
  readonly facade: (via: string | null, tries: number) => Facade | null;
  /** The caller was told that nothing of it was written. */
  readonly notWritten: (order: string, words: string) => void;
  /** The command id of one more try: the same, or the caller's retry is another command. */
  readonly commandId: (order: string, tries: number) => string;
}

/** What goes with every try of one order. */
export interface OrderCall {
  readonly commandId: string;
  readonly correlationId: string;
  readonly timeoutMs: number;
}

/** So often an order is sent again whose outcome is not known. */
const TRIES = 8;
const AGAIN_MS = 2_000;
/** An operator whose service is gone hears nothing: sends it again, through another one. */
const PATIENCE_MS = 8_000;

/** People who ask for things, and who ask again, with the same command id, when they do not know what came of it. */
export class Operators {
  private over = false;

  constructor(private readonly ports: OperatorPorts) {}

  /** Nothing is asked for any more. */
  stop(): void {
    this.over = true;
  }

  order(action: Ordered, script: Script): void {
    this.send(action.commandId, action.via, (facade, call) => ordered(action, script, facade, call));
  }

  send(
    id: string,
    via: string | null,
    ask: (facade: Facade, call: OrderCall) => Promise<CommandResult>,
    tries = 0,
  ): void {
    const { scheduler, note } = this.ports;
    if (this.over || tries >= TRIES) return note('order-given-up');
    const again = (why: string) => {
      if (answered) return;
      answered = true;
      note(`order-again-${why}`);
      scheduler.after(AGAIN_MS, () => this.send(id, via, ask, tries + 1));
    };
    let answered = false;
    const facade = this.ports.facade(via, tries);
    if (facade === null) return again('nobody');
    const correlationId = `${ORDER}${id}`;
    ask(facade, { commandId: this.ports.commandId(id, tries), correlationId, timeoutMs: 5_000 }).then(
      ({ added }) => {
        answered = true;
        note(`order-${added > 0 ? 'done' : 'known'}`);
        if (tries > 0 && added === 0) note('order-had-landed');
      },
      (error: Error) => {
        if (error.name === 'CommandRefusedError') {
          answered = true;
          note('order-refused');
          return;
        }
        if (error.name === 'CommandUnavailableError' && tries === 0 && !answered)
          this.ports.notWritten(correlationId, error.message);
        again(error.name);
      },
    );
    scheduler.after(PATIENCE_MS, () => again('silence'));
  }
}

function ordered(
  action: Ordered,
  script: Script,
  { jobs, services }: Facade,
  given: OrderCall,
): Promise<CommandResult> {
  const call = { ...given, actor: 'operator' };
  switch (action.order) {
    case 'pause':
      return jobs.pause(action.job, call);
    case 'resume':
      return jobs.resume(action.job, call);
    case 'cancel':
      return jobs.cancel(action.job, call);
    case 'cancelAfterRun':
      return jobs.cancel(action.job, { ...call, mode: 'afterRun' });
    case 'remove':
      return jobs.remove(action.job, call);
    case 'runNow':
      return jobs.runNow(action.job, call);
    case 'backfill': {
      const at = startOf(script) + action.at;
      return jobs.backfill(action.job, { ...call, from: at - action.fromMs, to: at - action.toMs });
    }
    case 'release':
      return jobs.releaseFromQuarantine(action.job, call);
    case 'resolveHold':
      return jobs.resolveHold(action.job, action.resolution, call);
    case 'bind':
      return jobs.bind(action.job, action.service, call);
    case 'reschedule': {
      const { schedule, tag, policies } = action;
      const changes = { ...(schedule && { schedule }), ...(tag && { tag }), ...(policies && { policies }) };
      return jobs.reschedule(action.job, changes, call);
    }
    case 'schedule': {
      const job = script.jobs.find(({ id }) => id === action.job);
      const { handler = 'brief', payload = null, schedule, tag, affinity, policies } = job ?? {};
      const asked = { ...call, id: action.job, schedule, tag, affinity, policies, renew: action.renew };
      return jobs.schedule(jobType<unknown>(handler), payload, { ...asked, onConflict: 'update' });
    }
    case 'drain':
      return services.drain(action.service, call);
    case 'mark':
      return services.markFailed(action.service, { ...call, confirmedDead: action.confirmedDead });
  }
}
