import type { JobExecution, ServiceExecution } from '../commands';
import { backfilledInstant, dueAt, mayBegin, openRuns, replaceable, type JobRecord, type OpenRun } from '../domain/job';
import { recordOf } from './known-job';
import { iso } from './words';

/** What a command to a job brings about, in words, from the state after it. */
export const afterJob = {
  bind: (answer: JobExecution): string =>
    told(answer, (record) => {
      const { ownership, epoch } = record;
      if (ownership.kind !== 'bound') return 'It is owned by nobody.';
      return `It is owned by ${ownership.serviceId}, epoch ${epoch}; ${starts(record)}`;
    }),
  pause: (answer: JobExecution): string =>
    told(answer, (record) => {
      const runs = openRuns(record);
      const open = runs.length === 0 ? '' : ` ${capitalized(runsWords(runs))} may finish.`;
      return `Nothing of it starts until \`holdfast resume\`.${open}`;
    }),
  resume: (answer: JobExecution): string => told(answer, (record) => capitalized(starts(record))),
  runNow: (answer: JobExecution): string =>
    told(answer, (record) => {
      if (record.requested.length === 0) return capitalized(starts(record));
      if (record.paused) return 'The run waits: the job is paused. See `holdfast resume`.';
      if (record.held !== null) return 'The run waits: a lost run is held. See `holdfast resolve-hold`.';
      const runs = openRuns(record);
      if (!mayBegin(record, 'requested')) {
        return `${runs[0].serviceId} starts it when ${runs.length === 1 ? 'the open run' : 'one of the open runs'} has ended.`;
      }
      if (replaceable(record).some(({ run }) => run !== null)) {
        return `${runs[0].serviceId} starts it when the open run, which is told to make room, has settled.`;
      }
      return record.ownership.kind === 'bound'
        ? `${record.ownership.serviceId} starts it within moments.`
        : 'Nobody owns the job yet; whoever takes it starts it. See `holdfast why`.';
    }),
  backfill: (answer: JobExecution): string =>
    told(answer, (record) => {
      const waiting = record.requested.filter(({ slot }) => backfilledInstant(slot) !== null).length;
      const runs = `${waiting} run${waiting === 1 ? '' : 's'} of times gone by`;
      if (waiting === 0) return capitalized(starts(record));
      if (record.paused) return `${runs} wait: the job is paused. See \`holdfast resume\`.`;
      if (record.held !== null) return `${runs} wait: a lost run is held. See \`holdfast resolve-hold\`.`;
      const who = record.ownership.kind === 'bound' ? record.ownership.serviceId : 'Whoever takes the job';
      return `${who} starts them one after the other, whenever no scheduled slot is due: ${runs} to come.`;
    }),
  cancel: (answer: JobExecution): string =>
    told(answer, (record) => {
      if (record.stage !== 'live') return ended(record);
      const runs = openRuns(record);
      return runs.length === 0 ? 'It ends.' : `It ends with ${runsWords(runs)}.`;
    }),
  remove: (answer: JobExecution): string => told(answer, (record) => `${ended(record)} The log keeps its history.`),
  release: (answer: JobExecution): string =>
    told(answer, () => 'It may be owned again: the service that placement ranks first takes it within moments.'),
  resolveHold: (answer: JobExecution): string => told(answer, (record) => capitalized(starts(record))),
};

/** What a command to a service brings about. */
export const afterService = {
  drain: ({ state }: ServiceExecution): string =>
    state.incarnations.at(-1)?.life === 'draining'
      ? 'It takes no more jobs and gives away those it has: idle ones at once, others when their runs have ended. It goes on running until it is stopped.'
      : 'It is not draining: see `holdfast services`.',
  markFailed: ({ state }: ServiceExecution): string =>
    state.incarnations.at(-1)?.confirmedDead
      ? 'Its jobs move to other services at once, the running ones too.'
      : 'Its idle jobs move to other services at once; running ones after a full measured silence, or at once with --confirmed-dead.',
};

function told({ state }: JobExecution, words: (record: JobRecord) => string): string {
  const record = recordOf(state);
  return record === null ? 'Nothing is known of it.' : words(record);
}

/** `attempt 1 on a@host`, or several. */
function runsWords(runs: readonly OpenRun[]): string {
  if (runs.length === 1) return `attempt ${runs[0].attempt} on ${runs[0].serviceId}`;
  return `the ${runs.length} open runs on ${[...new Set(runs.map(({ serviceId }) => serviceId))].join(', ')}`;
}

function ended(record: JobRecord): string {
  return `It has ended (${record.stage}); a handler that still runs is told to abort.`;
}

function starts(record: JobRecord): string {
  if (record.stage === 'quarantined') return 'it is in quarantine: see `holdfast release`.';
  if (record.stage !== 'live') return `it has ended (${record.stage}).`;
  if (record.held !== null) return 'a lost run of it is held: see `holdfast resolve-hold`.';
  if (record.paused) return 'it is paused: see `holdfast resume`.';
  const runs = openRuns(record);
  if (runs.length > 0) {
    const words = runs.map((run) => `attempt ${run.attempt} of slot ${run.slot} runs on ${run.serviceId}`);
    return `${words.join('; ')}.`;
  }
  const due = dueAt(record);
  if (due === null) return 'nothing of it is pending.';
  const who = record.ownership.kind === 'bound' ? record.ownership.serviceId : 'whoever takes it';
  return `${who} starts it next at ${iso(due)}, or at once if that is past.`;
}

function capitalized(words: string): string {
  // Ids stay as they are: case counts in them.
  return words.replace(
    /^(?:it|a|the|attempt|nothing|whoever)(?= )/,
    (first) => first[0].toUpperCase() + first.slice(1),
  );
}
