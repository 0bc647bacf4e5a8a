import {
  JobCancelledFact,
  JobCompletedFact,
  JobPausedFact,
  JobRescheduledFact,
  JobResumedFact,
  JobRunRequestedFact,
  type Fact,
} from 'holdfast';

/** What somebody asked of an audit, and its end, in words; null: a fact of another kind. */
export function askedWords(fact: Fact): string | null {
  if (fact instanceof JobPausedFact) return `suspended: ${fact.data.reason}`;
  if (fact instanceof JobResumedFact) return `resumed: ${fact.data.reason}`;
  if (fact instanceof JobCancelledFact) return `cancelled: ${fact.data.reason}`;
  if (fact instanceof JobRunRequestedFact) return `triggered: ${fact.data.reason}`;
  if (fact instanceof JobRescheduledFact) return `changed; next run ${fact.data.nextSlot ?? 'none'}`;
  if (fact instanceof JobCompletedFact) return `is over: ${fact.data.outcome}; nothing follows`;
  return null;
}
