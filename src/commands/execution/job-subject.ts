import { decode, encode } from '../../domain/codec';
import { absentJob, closeBooks, evolve, type JobEvent, type JobState } from '../../domain/job';
import type { Subject } from './subject';

/** Streams of jobs. */
export const jobSubject: Subject<JobState, JobEvent> = {
  lane: 'normal',
  absent: () => absentJob,
  fold(state, { type, data, metadata, revision }) {
    const event = decode(type, data, metadata);
    if (event.type === '$unreadable') return evolve(state, event, revision);
    if (event.type.startsWith('Job')) return evolve(state, event as JobEvent, revision);
    return evolve(state, { type: '$unreadable', originalType: type, why: 'it is no event of a job' }, revision);
  },
  evolve,
  isBooks: ({ type, data, metadata }) =>
    type === 'JobBooksClosed' && decode(type, data, metadata).type === 'JobBooksClosed',
  closeBooks,
  encode,
};
