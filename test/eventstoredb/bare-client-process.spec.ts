import type { StandIn } from './stand-in';
import { closeEverything, standIn, until } from './bare';
import { ControlProcess, killControlProcesses, lull } from './control-process';

/** Controls: what the published client does to a process that uses it as it is. Our adapter is not hit by any of it. */

const NOT_ITERABLE = 'undefined is not iterable';
let server: StandIn;
beforeEach(async () => {
  server = await standIn({ writeTimeoutMs: 50 });
});
afterEach(async () => {
  await killControlProcesses();
  await closeEverything();
});

const jobs = (on: StandIn) => on.log.records.filter(({ stream }) => stream === 'job-1');

describe('the batch path ends the process', () => {
  it('at a second answer', async () => {
    server.faults.onAppend({ kind: 'second-answer' });
    const control = new ControlProcess('append', server.connectionString, '{}');
    await control.dies(NOT_ITERABLE);
    expect(jobs(server)).toHaveLength(1);
  });

  it.each([
    ['an empty type', '{"type":""}'],
    ['the nil id', '{"id":"00000000-0000-0000-0000-000000000000"}'],
    ['a malformed id', '{"id":"not-an-id"}'],
  ])('after %s, by the second answer that this brings', async (_name, json) => {
    const control = new ControlProcess('append', server.connectionString, json);
    await control.says('first failed: UnknownError Could not recognize BadRequest');
    await control.dies(NOT_ITERABLE);
    expect(jobs(server)).toEqual([]);
  });

  it('when the server of another client dies: its append is rejected although it is written, then all is over', async () => {
    const other = await standIn();
    let release = () => {};
    server.faults.onAppend({ kind: 'late', until: new Promise<void>((resolve) => (release = resolve)) });
    other.faults.onAppend({ kind: 'silence' });
    const control = new ControlProcess('two-clients', server.connectionString, other.connectionString);
    const asked = ({ calls }: StandIn) => calls.some(({ method }) => method === 'batchAppend');
    await until(() => asked(server) && asked(other));
    await other.faults.kill();
    await control.says('0 failed: UnavailableError 14');
    expect(jobs(server)).toHaveLength(1);
    release();
    await control.dies(NOT_ITERABLE);
  });

  it('or, if that is swallowed, leaves a dead stream behind: later appends are never answered', async () => {
    server.faults.onAppend({ kind: 'second-answer' });
    const control = new ControlProcess('append', server.connectionString, '{}', 'swallow');
    await control.says('swallowed');
    await lull();
    expect(control.lines.filter((line) => line.startsWith('later'))).toEqual([]);
    // It was written and answered; nobody listens.
    expect(jobs(server)).toHaveLength(2);
    expect(control.alive).toBe(true);
  });
});

describe.each(['plain', 'batch'])('on the %s path', (path) => {
  it.each([
    ['bigint', 'Do not know how to serialize a BigInt'],
    ['cycle', 'Converting circular structure to JSON'],
  ])('a %s in the data is an unhandled rejection, and the append never settles', async (flag, message) => {
    const ended = new ControlProcess('append', server.connectionString, '{}', path, flag);
    await ended.dies(message);
    const control = new ControlProcess('append', server.connectionString, '{}', path, flag, 'unhandled');
    await control.says(`unhandled: ${message}`);
    await lull();
    expect(control.lines.filter((line) => line.startsWith('first'))).toEqual([]);
  });
});

describe('the plain path', () => {
  it.each([
    ['an empty type', '{"type":""}'],
    ['the nil id', '{"id":"00000000-0000-0000-0000-000000000000"}'],
    ['a malformed id', '{"id":"not-an-id"}'],
  ])('survives %s', async (_name, json) => {
    const control = new ControlProcess('append', server.connectionString, json, 'plain');
    await control.says('first failed: UnknownError 2 UNKNOWN: Exception was thrown by handler.');
    await lull();
    expect(control.alive).toBe(true);
  });
});

describe('a subscription', () => {
  it('without a listener for errors ends the process when its server dies', async () => {
    const control = new ControlProcess('subscribe', server.connectionString, 'no-listener');
    await control.says('caught up');
    await server.faults.kill();
    await control.dies('UnavailableError');
  });

  it('that is iterated says a second error after the first', async () => {
    const control = new ControlProcess('subscribe', server.connectionString, 'iterator');
    await control.says('caught up');
    await server.faults.kill();
    await control.says('iterator: UnavailableError');
    await control.says('listener: AbortError');
    expect(control.lines).toContain('listener: UnavailableError');
  });

  it('whose checkpoint callback rejects stops, and says nothing', async () => {
    const control = new ControlProcess('subscribe', server.connectionString, 'checkpoint');
    await control.says('caught up');
    server.log.append('job-1', 'any', [
      { id: 'a', type: 'Happened', json: true, data: Buffer.from('{}'), metadata: Buffer.from('') },
    ]);
    await control.says('heard job-1@0');
    server.log.noise(1);
    await control.says('unhandled: cannot be kept');
    server.log.append('job-2', 'any', [
      { id: 'b', type: 'Happened', json: true, data: Buffer.from('{}'), metadata: Buffer.from('') },
    ]);
    await lull();
    expect(control.lines).toEqual(['caught up', 'heard job-1@0', 'unhandled: cannot be kept']);
    expect(server.faults.subscriptions.size).toBe(1);
  });
});
