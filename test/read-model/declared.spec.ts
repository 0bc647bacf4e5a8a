import { ALog, bound, cancelled, registered, scheduled } from './a-log';

describe('jobs that the code of an application declares', () => {
  let log: ALog;
  beforeEach(() => (log = new ALog()));
  afterEach(() => log.close());

  const declared = (jobId: string, hash: string, source = 'app') => {
    const event = scheduled(jobId, 60);
    return { ...event, data: { ...event.data, declaration: { hash, source } } } as typeof event;
  };

  it('are listed by application, by id, until they have ended', async () => {
    await log.service('a', registered('a', 'a1'));
    await log.job('z', declared('z', '1'), bound('a', 'a1'));
    await log.job('b', declared('b', '2'));
    await log.job('other', declared('other', '3', 'elsewhere'));
    await log.job('by-hand', scheduled('by-hand', 60));
    const view = await log.view();
    expect(view.declaredBy('app')).toEqual([
      { jobId: 'b', hash: '2', status: 'unbound' },
      { jobId: 'z', hash: '1', status: 'bound' },
    ]);
    expect(view.declaredBy('elsewhere')).toMatchObject([{ jobId: 'other' }]);
    await log.job('z', cancelled);
    await log.raw('job-b', 'JobTurnedBlue', '{}');
    await log.applied(view);
    expect(view.declaredBy('app')).toEqual([{ jobId: 'b', hash: '2', status: 'opaque' }]);
  });
});
