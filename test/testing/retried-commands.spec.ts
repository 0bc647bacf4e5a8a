import { v5 as uuidv5 } from 'uuid';
import { commandHandlers } from '../../src/commands';
import { Fleet } from './retried-commands/fleet';

const size = { seed: 1, lanes: 25 };
const namespace = '7f0d1c52-6f4e-5d5c-9a0e-3b8f1f6f0a11';

describe('commands that are sent again after an unknown outcome (I6)', () => {
  it('10,000 of them, of every class, add each event once', async () => {
    const { wrong, retried, retriedByClass, faults, events } = await Fleet.run({ ...size, retried: 10_000 });
    expect(wrong).toEqual([]);
    expect(retried).toBeGreaterThanOrEqual(10_000);
    const names = commandHandlers.map(({ name }) => name.replace(/Handler$/, 'Command'));
    expect([...retriedByClass.keys()].sort()).toEqual(names.sort());
    for (const [name, n] of retriedByClass) expect([name, n >= 10]).toEqual([name, true]);
    for (const fault of ['executeAndTimeOut', 'lose', 'ghost', 'duplicate', 'refuse', 'delay']) {
      expect([fault, (faults.get(fault) ?? 0) > 300]).toEqual([fault, true]);
    }
    expect(events).toBeGreaterThan(10_000);
  }, 180_000);
});

describe('the judge notices', () => {
  it('a caller that sends the command again under a new id', async () => {
    const { wrong } = await Fleet.run({ ...size, retried: 3_000, commandId: (id, n) => (n === 0 ? id : `${id}.${n}`) });
    expect(wrong).toContainEqual(expect.stringMatching(/was added, and no command was to add it/));
  });
  it('event ids that are made of the command and the index alone (⚑ 3.2)', async () => {
    const eventIds = (commandId: string) => (index: number) => uuidv5(`${commandId}/${index}`, namespace);
    const { wrong } = await Fleet.run({ ...size, retried: 3_000, eventIds });
    // Another decision reused the ids of the one that had landed, and was answered as if it had.
    expect(wrong).toContainEqual(expect.stringMatching(/ was answered with .*, and the log has /));
  });
});
