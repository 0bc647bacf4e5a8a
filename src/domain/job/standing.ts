import { refuse } from './draft';
import type { JobDecision } from './refusals';
import type { JobRecord } from './state';

/** The refusal for a job that has ended; null: it has not. */
export function refuseEnded(record: JobRecord): JobDecision | null {
  if (record.stage === 'live' || record.stage === 'quarantined') return null;
  return refuse(
    'job-terminal',
    'jobId',
    record.jobId,
    `This job is ${record.stage}: it has ended.`,
    'Schedule it again with renew, or use another id.',
  );
}

/** The refusal for a job that is not live; null: it is. */
export function refuseNotLive(record: JobRecord): JobDecision | null {
  if (record.stage !== 'quarantined') return refuseEnded(record);
  return refuse(
    'job-quarantined',
    'jobId',
    record.jobId,
    'This job is in quarantine: its owners kept dying in it.',
    'Mend its handler, then release it from quarantine.',
  );
}

/** The refusal for a job that ends with its open run; null: it does not. */
export function refuseEnding(record: JobRecord): JobDecision | null {
  if (!record.ending) return null;
  return refuse(
    'job-ending',
    'jobId',
    record.jobId,
    'This job ends with the run that is open.',
    'Wait for its end, then schedule it anew with renew.',
  );
}

/** The refusal for a decision of an owner that is not the job's owner at this epoch; null: it is. */
export function refuseNotOwner(
  record: JobRecord,
  {
    serviceId,
    incarnation,
    epoch,
  }: { readonly serviceId?: string; readonly incarnation: string; readonly epoch: number },
): JobDecision | null {
  const { ownership } = record;

  if (ownership.kind === 'unbound') {
    return refuse(
      'job-unbound',
      'jobId',
      record.jobId,
      `Nobody owns this job (${ownership.reason}).`,
      'Bind it first.',
    );
  }
  const words = `This job is owned by ${ownership.serviceId}, incarnation ${ownership.incarnation}.`;
  if (ownership.incarnation !== incarnation) {
    return refuse('wrong-owner', 'incarnation', incarnation, words, 'Only its owner may do this.');
  }
  if (serviceId !== undefined && ownership.serviceId !== serviceId) {
    return refuse('wrong-owner', 'serviceId', serviceId, words, 'Only its owner may do this.');
  }
  if (record.epoch !== epoch) {
    return refuse(
      'wrong-epoch',
      'epoch',
      epoch,
      `The epoch of this job is ${record.epoch}.`,
      'Decide on the present state.',
    );
  }
  return null;
}
