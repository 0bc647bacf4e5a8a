import type { InvariantName } from '../../src/domain/invariants';
import { Draft, type Tampered } from './draft';
import { incarnations } from './healthy-log';

export interface Tampering {
  readonly what: string;
  readonly invariant: InvariantName;
  readonly words: RegExp;
  tamper(): Tampered;
}

const long = 'job-long';
const pinned = 'job-pinned';
const single = 'job-single';
const host1 = 'service-engine@host-1';
const host2 = 'service-engine@host-2';

/** Logs that no decider writes. Each can be put into a store as it is. */
export const tamperings: readonly Tampering[] = [
  {
    what: 'swapped epochs',
    invariant: 'I1',
    words: /Epoch 2 .*the epoch before was 0/,
    tamper() {
      const draft = new Draft();
      const first = draft.change(draft.find(long, 'JobBoundToService', 0), { epoch: 2 });
      draft.change(draft.find(long, 'JobBoundToService', 1), { epoch: 1 });
      return draft.done(first);
    },
  },
  {
    what: 'an owner before the former epoch has ended',
    invariant: 'I1',
    words: /has not ended/,
    tamper() {
      const draft = new Draft();
      const bound = draft.find(long, 'JobBoundToService');
      return draft.done(
        draft.insert(bound, bound, { epoch: 2, serviceId: 'engine@host-2', incarnation: incarnations.two }),
      );
    },
  },
  {
    what: 'a second start of the same attempt',
    invariant: 'I2',
    words: /attempt 1 of this slot was started before/,
    tamper() {
      const draft = new Draft();
      const start = draft.find(long, 'JobRunStarted');
      return draft.done(draft.insert(start, start));
    },
  },
  {
    what: 'a slot that runs twice',
    invariant: 'I2',
    words: /slots through .* are accounted for; the slot would run twice/,
    tamper() {
      const draft = new Draft();
      const start = draft.find(pinned, 'JobRunStarted', 0);
      return draft.done(draft.insert(draft.find(pinned, 'JobRunSucceeded', 0), start));
    },
  },
  {
    what: 'a request that is started twice',
    invariant: 'I2',
    words: /no such request waits/,
    tamper() {
      const draft = new Draft();
      const start = draft.find(pinned, 'JobRunStarted', 2);
      return draft.done(draft.insert(draft.find(pinned, 'JobRunSucceeded', 1), start));
    },
  },
  {
    what: 'a start by another than the owner',
    invariant: 'I2',
    words: /the owner is service engine@host-1/,
    tamper() {
      const draft = new Draft();
      const by = { serviceId: 'engine@host-2', incarnation: incarnations.two };
      return draft.done(draft.change(draft.find(long, 'JobRunStarted'), by));
    },
  },
  {
    what: 'an attempt that was left out',
    invariant: 'transition',
    words: /attempts are consecutive/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobRunStarted', 1), { attempt: 3 }));
    },
  },
  {
    what: 'a foreign outcome',
    invariant: 'I3',
    words: /the open run is attempt 1 .*000000000001/,
    tamper() {
      const draft = new Draft();
      const start = draft.find(long, 'JobRunStarted');
      const outcome = draft.find(long, 'JobRunSucceeded');
      return draft.done(draft.insert(start, outcome, { attempt: 1, epoch: 1, incarnation: incarnations.two }));
    },
  },
  {
    what: 'a second outcome',
    invariant: 'I3',
    words: /has ended before; a run has one outcome/,
    tamper() {
      const draft = new Draft();
      const outcome = draft.find(pinned, 'JobRunSucceeded');
      return draft.done(draft.insert(outcome, outcome));
    },
  },
  {
    what: 'a late outcome that was accepted',
    invariant: 'I3',
    words: /has ended before/,
    tamper() {
      const draft = new Draft();
      const late = draft.find(long, 'JobRunOutcomeRefused');
      const accepted = draft.insert(late, late, { durationMs: 9 }, 'JobRunSucceeded');
      draft.remove(late);
      return draft.done(accepted);
    },
  },
  {
    what: 'a start of an epoch that has ended',
    invariant: 'I3',
    words: /that epoch has ended; the owner is service engine@host-2/,
    tamper() {
      const draft = new Draft();
      const again = draft.find(long, 'JobRunStarted', 1);
      const old = { epoch: 1, serviceId: 'engine@host-1', incarnation: incarnations.one };
      return draft.done(draft.change(again, old));
    },
  },
  {
    what: 'a release of an epoch that has ended',
    invariant: 'I3',
    words: /JobReleased of epoch 1 .*under epoch 2/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobReleased'), { epoch: 1 }));
    },
  },
  {
    what: 'a requeue with an open run',
    invariant: 'I3',
    words: /requeued while attempt 1/,
    tamper() {
      const draft = new Draft();
      draft.remove(draft.find(long, 'JobRunAbandoned'));
      return draft.done(draft.find(long, 'JobRequeued'));
    },
  },
  {
    what: 'a start in a cancelled job',
    invariant: 'I3',
    words: /nothing changes a terminal job/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.insert(draft.find(pinned, 'JobCancelled'), draft.find(pinned, 'JobRunStarted')));
    },
  },
  {
    what: 'an open run in a completed job',
    invariant: 'I13',
    words: /JobCompleted while attempt 1/,
    tamper() {
      const draft = new Draft();
      draft.remove(draft.find(single, 'JobRunSucceeded'));
      return draft.done(draft.find(single, 'JobCompleted'));
    },
  },
  {
    what: 'two live incarnations of one service',
    invariant: 'I13',
    words: /two live incarnations/,
    tamper() {
      const draft = new Draft();
      return draft.done(
        draft.insert(draft.find(host2, 'ServiceRegistered'), draft.find(host2, 'ServiceRegistered'), {
          incarnation: '0172c000-0000-7000-8000-00000000000f',
        }),
      );
    },
  },
  {
    what: 'a binding to a service that was not registered in the view',
    invariant: 'I4',
    words: /was not registered/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(single, 'JobBoundToService'), { viewPosition: '1' }));
    },
  },
  {
    what: 'a binding to a service that had failed',
    invariant: 'I4',
    words: /it had failed at position 19/,
    tamper() {
      const draft = new Draft();
      const by = { serviceId: 'engine@host-1', incarnation: incarnations.one };
      return draft.done(draft.change(draft.find(long, 'JobBoundToService', 1), by));
    },
  },
  {
    what: 'a binding under the incarnation of another service',
    invariant: 'I4',
    words: /that incarnation is one of service engine@host-2/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobBoundToService', 0), { incarnation: incarnations.two }));
    },
  },
  {
    what: 'a binding to a service whose labels do not match the tag',
    invariant: 'I4',
    words: /do not contain the tag/,
    tamper() {
      const draft = new Draft();
      const by = { serviceId: 'engine@host-1', incarnation: incarnations.one };
      return draft.done(draft.change(draft.find(pinned, 'JobBoundToService'), by));
    },
  },
  {
    what: 'a binding to a service without the handler',
    invariant: 'I4',
    words: /has no handler audit/,
    tamper() {
      const draft = new Draft();
      draft.change(draft.find(host1, 'ServiceRegistered'), { handlers: { other: '1' } });
      return draft.done(draft.find(long, 'JobBoundToService'));
    },
  },
  {
    what: 'a binding decided on a view that is ahead of it',
    invariant: 'I4',
    words: /not before the event itself/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobBoundToService'), { viewPosition: '8' }));
    },
  },
  {
    what: 'a binding with a view position that is none',
    invariant: 'transition',
    words: /cannot be judged/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobBoundToService'), { viewPosition: 'soon' }));
    },
  },
  {
    what: 'a binding to a service that drains',
    invariant: 'I10',
    words: /its drain had started/,
    tamper() {
      const draft = new Draft();
      const bound = draft.find(long, 'JobBoundToService', 2);
      const by = { serviceId: 'engine@host-2', incarnation: incarnations.two, viewPosition: '39' };
      const broken = draft.insert(draft.find(long, 'JobReleased'), bound, by);
      draft.remove(bound);
      return draft.done(broken);
    },
  },
  {
    what: 'a requeue from an owner that is not gone',
    invariant: 'transition',
    words: /JobRunAbandoned .* no fact of the log says/,
    tamper() {
      const draft = new Draft();
      draft.remove(draft.find(host1, 'ServiceMarkedFailed'));
      return draft.done(draft.find(long, 'JobRunAbandoned'));
    },
  },
  {
    what: 'a requeue before the verdict was in the view',
    invariant: 'transition',
    words: /as failed at view position 18, but it ended at position 19/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobRequeued'), { viewPosition: '18' }));
    },
  },
  {
    what: 'a requeue that says of a service which failed that it stopped',
    invariant: 'transition',
    words: /as stopped at view position 19, but it has failed/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobRequeued'), { cause: 'stopped' }));
    },
  },
  {
    what: 'a verdict before its threshold',
    invariant: 'transition',
    words: /less than the threshold/,
    tamper() {
      const draft = new Draft();
      const verdict = draft.find(host1, 'ServiceMarkedFailed');
      const { evidence } = JSON.parse(verdict.data) as { evidence: object };
      return draft.done(draft.change(verdict, { evidence: { ...evidence, silenceMs: 100 } }));
    },
  },
  {
    what: 'a stop of an incarnation that has failed',
    invariant: 'transition',
    words: /has failed at position 19, which is final/,
    tamper() {
      const draft = new Draft();
      const stop = draft.find(host2, 'ServiceStopped');
      const of = { serviceId: 'engine@host-1', incarnation: incarnations.one };
      const verdict = draft.find(host1, 'ServiceMarkedFailed');
      return draft.done(draft.insert(verdict, { ...stop, stream: host1 }, of));
    },
  },
  {
    what: 'a slot that vanished',
    invariant: 'I8',
    words: /the slot that was pending is .* and it is not accounted for/,
    tamper() {
      const draft = new Draft();
      draft.remove(draft.find(long, 'JobSlotsSkipped'));
      return draft.done(draft.find(long, 'JobRunStarted', 2));
    },
  },
  {
    what: 'a pending slot that was moved without an account',
    invariant: 'I8',
    words: /moves the pending slot/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(pinned, 'JobResumed'), { nextSlot: '2020-05-01T09:00:00.000Z' }));
    },
  },
  {
    what: 'a start while the job is paused',
    invariant: 'transition',
    words: /while the job is paused/,
    tamper() {
      const draft = new Draft();
      const [paused, request] = [draft.find(pinned, 'JobPaused'), draft.find(pinned, 'JobRunRequested')];
      const asked = draft.insert(paused, request, { slot: 'manual:10', commandId: 'another' });
      return draft.done(draft.insert(asked, draft.find(pinned, 'JobRunStarted', 2), { slot: 'manual:10' }));
    },
  },
  {
    what: 'a command that has added its events twice',
    invariant: 'I6',
    words: /JobRunRequested by command .*, which has added its events at revision \d+ before/,
    tamper() {
      const draft = new Draft();
      const request = draft.find(pinned, 'JobRunRequested');
      return draft.done(draft.insert(draft.find(pinned, 'JobPaused'), request, { slot: 'manual:10' }));
    },
  },
  {
    what: 'a command that adds something else later',
    invariant: 'I6',
    words: /JobPaused by command .*, which has added its events at revision \d+ before/,
    tamper() {
      const draft = new Draft();
      const { commandId } = JSON.parse(draft.find(pinned, 'JobRunRequested').data) as { commandId: string };
      return draft.done(draft.change(draft.find(pinned, 'JobPaused'), { commandId }));
    },
  },
  {
    what: 'a command that has added its event twice in a row',
    invariant: 'I6',
    words: /JobRunRequested by command .*, which has added one at revision 6/,
    tamper() {
      const draft = new Draft();
      const request = draft.find(pinned, 'JobRunRequested');
      return draft.done(draft.insert(request, request, { slot: 'manual:7' }));
    },
  },
  {
    what: 'a retry before its time',
    invariant: 'transition',
    words: /before its retry is due/,
    tamper() {
      const draft = new Draft();
      const retry = draft.find(pinned, 'JobRunStarted', 1);
      const { at } = JSON.parse(draft.find(pinned, 'JobRunFailed').data) as { at: number };
      return draft.done(draft.change(retry, { at: at + 1 }));
    },
  },
  {
    what: 'a first attempt by another definition than the one in force',
    invariant: 'transition',
    words: /executes definition revision 5; in force is 0/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobRunStarted', 0), { definitionRevision: 5 }));
    },
  },
  {
    what: 'a failure that counts more retries than there were',
    invariant: 'transition',
    words: /counts 2 retries; before it were 0/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(pinned, 'JobRunFailed'), { retriesUsed: 2 }));
    },
  },
  {
    what: 'a lost run that is given up as its job does not say',
    invariant: 'transition',
    words: /as fail, but the job says rerun for a lost owner/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobRunAbandoned'), { reason: 'fail' }));
    },
  },
  {
    what: 'a start while a slot is held',
    invariant: 'transition',
    words: /while slot .* is held/,
    tamper() {
      const draft = new Draft();
      const lost = draft.find(long, 'JobRunAbandoned');
      const { slot, attempt, at } = JSON.parse(lost.data) as { slot: string; attempt: number; at: number };
      draft.insert(lost, { ...lost, data: JSON.stringify({ slot, attempt, at }) }, {}, 'JobHeld');
      return draft.done(draft.find(long, 'JobRunStarted', 1));
    },
  },
  {
    what: 'a slot that is held twice',
    invariant: 'transition',
    words: /JobHeld, but slot .* is held already/,
    tamper() {
      const draft = new Draft();
      const lost = draft.find(long, 'JobRunAbandoned');
      const { slot, attempt, at } = JSON.parse(lost.data) as { slot: string; attempt: number; at: number };
      const held = { ...lost, data: JSON.stringify({ slot, attempt, at }) };
      return draft.done(draft.insert(draft.insert(lost, held, {}, 'JobHeld'), held, {}, 'JobHeld'));
    },
  },
  {
    what: 'a job that is paused twice',
    invariant: 'transition',
    words: /JobPaused, but the job is paused already/,
    tamper() {
      const draft = new Draft();
      const paused = draft.find(pinned, 'JobPaused');
      return draft.done(draft.insert(paused, paused, { commandId: 'another' }));
    },
  },
  {
    what: 'a job that is complete while a request waits',
    invariant: 'I8',
    words: /JobCompleted while manual:3 waits to be started/,
    tamper() {
      const draft = new Draft();
      const request = { ...draft.find(pinned, 'JobRunRequested'), stream: single };
      draft.insert(draft.find(single, 'JobRunStarted'), request, { slot: 'manual:3', commandId: 'another' });
      return draft.done(draft.find(single, 'JobCompleted'));
    },
  },
  {
    what: 'a job that is cancelled while a request waits',
    invariant: 'I8',
    words: /JobCancelled drops manual:\d+, which waits to be started/,
    tamper() {
      const draft = new Draft();
      const resumed = draft.find(pinned, 'JobResumed');
      const slot = `manual:${resumed.revision + 1}`;
      draft.insert(resumed, draft.find(pinned, 'JobRunRequested'), { slot, commandId: 'another' });
      return draft.done(draft.find(pinned, 'JobCancelled'));
    },
  },
  {
    what: 'a slot that was due and is dropped with the schedule',
    invariant: 'I8',
    words: /drops the slot .*, which was due, without an account of it/,
    tamper() {
      const draft = new Draft();
      const cancelled = draft.find(pinned, 'JobCancelled');
      const { at } = JSON.parse(cancelled.data) as { at: number };
      return draft.done(draft.change(cancelled, { at: at + 600_000 }));
    },
  },
  {
    what: 'a late outcome that is recorded twice',
    invariant: 'transition',
    words: /it was recorded before/,
    tamper() {
      const draft = new Draft();
      const late = draft.find(long, 'JobRunOutcomeRefused');
      return draft.done(draft.insert(late, late));
    },
  },
  {
    what: 'a refused outcome of a run that is open',
    invariant: 'transition',
    words: /but that run is open: its outcome is to be accepted/,
    tamper() {
      const draft = new Draft();
      const started = draft.find(long, 'JobRunStarted', 1);
      const { slot, attempt, epoch, incarnation } = JSON.parse(started.data) as Record<string, unknown>;
      const late = draft.find(long, 'JobRunOutcomeRefused');
      return draft.done(draft.insert(started, late, { slot, attempt, epoch, incarnation }));
    },
  },
  {
    what: 'a service that begins to drain twice',
    invariant: 'transition',
    words: /but it drains already/,
    tamper() {
      const draft = new Draft();
      const drain = draft.find(host2, 'ServiceDrainStarted');
      return draft.done(draft.insert(drain, drain));
    },
  },
  {
    what: 'an incarnation that two services have registered',
    invariant: 'transition',
    words: /is registered again \(before: by engine@host-1\)/,
    tamper() {
      const draft = new Draft();
      const again = { incarnation: incarnations.one };
      return draft.done(
        draft.insert(draft.find(host2, 'ServiceStopped'), draft.find(host2, 'ServiceRegistered'), again),
      );
    },
  },
  {
    what: 'a request that is skipped and was never made',
    invariant: 'I8',
    words: /names manual:99, which does not wait to be started/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobSlotsSkipped'), { slots: ['manual:99'] }));
    },
  },
  {
    what: 'a range of slots without a slot in it',
    invariant: 'I8',
    words: /that is no range of scheduled slots/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(long, 'JobSlotsSkipped'), { count: 0 }));
    },
  },
  {
    what: 'a job in the stream of another',
    invariant: 'transition',
    words: /JobScheduled of job long stands in the stream of single/,
    tamper() {
      const draft = new Draft();
      return draft.done(draft.change(draft.find(single, 'JobScheduled'), { jobId: 'long' }));
    },
  },
  {
    what: 'a stream whose beginning is missing',
    invariant: 'transition',
    words: /JobBoundToService stands before the JobScheduled/,
    tamper() {
      const draft = new Draft();
      const scheduled = draft.find(single, 'JobScheduled');
      // Another event takes its place, so that all positions stay what they were.
      draft.insert(scheduled, draft.find('heartbeat-engine@host-1', 'ServiceHeartbeat'), { sequence: 2 });
      draft.remove(scheduled);
      return draft.done(draft.find(single, 'JobBoundToService'));
    },
  },
  {
    what: 'a requeue that was left half-way',
    invariant: 'transition',
    words: /JobRunOutcomeRefused follows a JobRequeued that left open/,
    tamper() {
      const draft = new Draft();
      draft.remove(draft.find(long, 'JobBoundToService', 1));
      draft.remove(draft.find(long, 'JobRunStarted', 1));
      return draft.done(draft.find(long, 'JobRunOutcomeRefused'));
    },
  },
];
