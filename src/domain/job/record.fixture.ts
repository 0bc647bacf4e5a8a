import { decide, fold, type JobCommand, type JobEvent, type JobRecord } from '.';

/** The record after events and commands. @throws Error a command is refused, with its rule. */
export function after(...story: readonly (JobEvent | JobCommand)[]): JobRecord {
  const events: JobEvent[] = [];
  for (const part of story) {
    if ('type' in part) events.push(part);
    else {
      const decision = decide(fold(events), part);
      if (!decision.ok) throw new Error(decision.refusal.rule);
      events.push(...decision.events);
    }
  }
  return fold(events) as JobRecord;
}
