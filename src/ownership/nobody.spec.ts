import type { Candidate } from '../domain/service';
import { nobodyTakes } from './nobody';

const service = (serviceId: string, changes: Partial<Candidate> = {}): Candidate => ({
  serviceId,
  incarnation: `${serviceId}-1`,
  labels: { host: 'h1', name: serviceId },
  handlers: ['audit'],
  life: 'live',
  capacity: { maxOwnedJobs: 10, maxConcurrentRuns: 1 },
  owned: 0,
  registeredAt: 0,
  placementVersion: 1,
  ...changes,
});
const job = { handler: 'audit', tag: {}, affinity: 'required' } as const;

describe('why nobody takes a job', () => {
  it.each([
    ['no service lives', job, [], 'unfit', 'no service is alive'],
    [
      'all drain',
      job,
      [service('a', { life: 'draining' }), service('b', { life: 'draining' })],
      'unfit',
      'all 2 services that are alive are draining',
    ],
    [
      'nobody has the handler',
      { ...job, handler: 'report' },
      [service('a'), service('b')],
      'unfit',
      'none of 2 live services has the handler "report"',
    ],
    [
      'a pair that no label has',
      { ...job, tag: { name: 'a', host: 'h2' } },
      [service('a'), service('b', { handlers: [] })],
      'unfit',
      'none of 1 live services with the handler "audit" has the label host=h2',
    ],
    [
      'each pair somewhere, nowhere all',
      { ...job, tag: { name: 'a', host: 'h2' } },
      [service('a'), service('b', { labels: { host: 'h2', name: 'b' } })],
      'unfit',
      'none of 2 live services with the handler "audit" has all of the labels name=a, host=h2',
    ],
    [
      'those that fit are full',
      job,
      [service('a', { owned: 10 }), service('b', { handlers: [] })],
      'full',
      'each of the 1 services that fit owns as many jobs as it may',
    ],
  ] as const)('%s', (_, of, candidates, why, reason) => {
    expect(nobodyTakes(of, candidates)).toEqual({ why, reason });
  });
});
