import type { Operators } from './operators';
import type { Outsiders } from './outsiders';
import type { Place } from './place';
import type { Restores } from './restores';
import type { Scheduler } from './scheduler';
import type { Action, Script } from './script';
import type { TroubleHistory } from './trouble-history';
import type { Troubles } from './troubles';

/** Does to a world what its script says, until it heals. */
export class Actions {
  private healed = false;

  constructor(
    private readonly script: Script,
    private readonly world: {
      readonly scheduler: Scheduler;
      readonly places: readonly Place[];
      readonly troubles: Troubles;
      readonly history: TroubleHistory;
      readonly operators: Operators;
      readonly outsiders: Outsiders;
      readonly restores: Restores;
      readonly note: (what: string) => void;
    },
  ) {}

  act(action: Action): void {
    const { places, note, operators, outsiders, restores } = this.world;
    const place = 'place' in action ? (places.find(({ name }) => name === action.place) ?? null) : null;
    switch (action.do) {
      case 'crash':
        return this.crash(action, place);
      case 'stop':
        return place?.stop(action.restartMs, action.handlers);
      case 'stall':
        note('stall');
        return place?.current?.process.stall(action.ms);
      case 'suspend':
        note('suspend');
        return place?.current?.process.suspend(action.ms);
      case 'wall':
        note('wall-jump');
        return place?.current?.process.jumpWall(action.byMs);
      case 'trouble': {
        const { on, types = null } = action;
        if (on === undefined || place === null) return this.befall(action);
        return place.trap({ on, types, spring: () => this.befall(action) });
      }
      case 'drop':
        note('drop');
        for (const one of place === null ? places : [place]) one.current?.connection.drop();
        return;
      case 'rejoin':
        return place?.current?.service?.rejoin();
      case 'restore':
        return this.healed ? undefined : void restores.restore(places, action.backMs);
      case 'newer':
        return this.healed ? undefined : void outsiders.newer(action.job);
      case 'lost-move':
        return this.healed ? undefined : void outsiders.lostMove(action.job);
      case 'order':
        return operators.order(action, this.script);
    }
  }

  /** Nothing goes wrong any more. */
  heal(): void {
    this.healed = true;
    this.world.troubles.clear();
    for (const place of this.world.places) place.heal();
    this.world.operators.stop();
    this.world.outsiders.stop();
  }

  private crash(action: Extract<Action, { do: 'crash' }>, place: Place | null): void {
    const { on, restartMs, handlers, types = null } = action;
    if (on === undefined) return void place?.crash(restartMs, handlers);
    place?.trap({
      on,
      types,
      spring: () => {
        this.world.note(on.startsWith('project') ? 'crash-in-projection' : 'crash-in-append');
        place.crash(restartMs, handlers);
      },
    });
  }

  private befall({ trouble, place, ms }: Extract<Action, { do: 'trouble' }>): void {
    const { scheduler, troubles, history, note } = this.world;
    if (this.healed) return;
    const befallen = troubles.add(trouble, place, scheduler.now);
    note(`trouble-${trouble.kind}`);
    history.note(trouble, place, scheduler.now, scheduler.now + ms);
    scheduler.after(ms, () => troubles.end(befallen));
  }
}
