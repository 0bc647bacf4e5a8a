import type { LogFields, Logger } from '../../logging';

/** Lines that services tell, and what they count as. */
const told: { readonly [fact: string]: string } = {
  'service.fenced': 'fenced',
  'service.verdict-dropped': 'verdict-dropped',
  'service.identity-conflict': 'identity-conflict',
  'service.superseded': 'superseded',
  'job.stuck': 'stuck',
  'job.not-entered': 'not-entered-after-start',
  'job.outcome-not-recorded': 'outcome-not-recorded',
  'clock.jump-settled': 'clock-jump-settled',
  'command.lost-races': 'lost-races',
  'log.went-back': 'log-went-back',
  'service.waits-for-log': 'start-without-log',
  'view.rebuilding': 'view-rebuilding',
};

/** How often each interesting thing happened. */
export class Counters {
  private readonly counts = new Map<string, number>();

  note(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  all(): ReadonlyMap<string, number> {
    return new Map([...this.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** A logger that counts, and passes on. */
  counting(logger: Logger, listener: (fact: string) => void): Logger {
    const line = (level: 'debug' | 'info' | 'warn' | 'error') => (fact: string, fields?: LogFields) => {
      listener(fact);
      const name = told[fact];
      if (name !== undefined) this.note(name);
      else if (fact === 'ownership.not-appended') this.note(`claim-${String(fields?.code)}`);
      else if (fact === 'ownership.not-claiming') this.note(`not-claiming-${String(fields?.reason)}`);
      else if (level === 'error') this.note(`error: ${fact}`);
      logger[level](fact, fields);
    };
    const counting: Logger = {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: (fields) => this.counting(logger.child(fields), listener),
    };
    return counting;
  }
}
