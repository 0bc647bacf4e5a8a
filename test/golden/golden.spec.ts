import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyLog } from '../../src/audit';
import { decode, originOf, readableEvents } from '../../src/domain/codec';
import { version } from '../../package.json';
import { whatIsMissing } from './coverage';
import { copyOf, eventsOf, exported, rowsOf, statesOf, storeOf } from './golden-log';
import { goldenStory, ofTheLostLog } from './story';

const folder = join(__dirname, 'logs');
type Kind = 'log' | 'copy' | 'states' | 'rows';
const fileOf = (release: string, kind: Kind) => join(folder, `v${release}.${kind}.jsonl`);
const read = (release: string, kind: Kind) => readFileSync(fileOf(release, kind), 'utf8');

/** `npm run golden:record` writes the log of the release that package.json names. */
const recording = process.env.HOLDFAST_RECORD_GOLDEN === '1';

const releases = readdirSync(folder)
  .flatMap((name) => /^v(.+)\.log\.jsonl$/.exec(name)?.[1] ?? [])
  .sort();

/** Bindings to what this log never registered are reported, though the jobs go on. */
const brokenBy = (events: readonly { readonly stream: string }[]) => {
  const streams = new Set(events.map(({ stream }) => stream));
  return Object.values(ofTheLostLog).flatMap((id) => (streams.has(`job-${id}`) ? [`I4 job-${id}`] : []));
};
const broken = (violations: readonly { readonly invariant: string; readonly stream: string }[]) =>
  violations.map(({ invariant, stream }) => `${invariant} ${stream}`);

if (recording) {
  it(`records the log of ${version}`, async () => {
    const store = await storeOf(goldenStory());
    const text = await exported(store);
    writeFileSync(fileOf(version, 'log'), text);
    writeFileSync(fileOf(version, 'copy'), await exported(await copyOf(store)));
    writeFileSync(fileOf(version, 'states'), statesOf(eventsOf(text)));
    writeFileSync(fileOf(version, 'rows'), await rowsOf(store));
  });
} else {
  describe.each(releases)('the golden log of release %s (I11)', (release) => {
    const text = read(release, 'log');
    const events = eventsOf(text);

    it('can be read, every event of it', () => {
      const unreadable = events.filter((one) => decode(one.type, one.data, one.metadata).type === '$unreadable');
      expect(unreadable).toEqual([]);
    });
    it('folds to the states that were recorded with it, byte for byte', () => {
      expect(statesOf(events)).toBe(read(release, 'states'));
    });
    it('is projected to the rows that were recorded with it', async () => {
      expect(await rowsOf(await storeOf(events))).toBe(read(release, 'rows'));
    });
    it('keeps every rule, but for the bindings that another log decided', async () => {
      const { violations, unreadableCount, events: checked } = await verifyLog(await storeOf(events));
      expect(broken(violations)).toEqual(brokenBy(events));
      expect({ unreadableCount, checked }).toEqual({ unreadableCount: 0, checked: events.length });
    });
    it('and its copy in another log, as that release copied, fold to the same and keep every rule', async () => {
      const copied = eventsOf(read(release, 'copy'));
      expect(copied).toHaveLength(events.filter(({ type }) => type !== 'ServiceHeartbeat').length);
      expect(copied.every(({ metadata }) => originOf(metadata) !== null)).toBe(true);
      expect(statesOf(copied)).toBe(read(release, 'states'));
      expect(broken((await verifyLog(await storeOf(copied))).violations)).toEqual(brokenBy(copied));
    });
    it('is exported as it stands in its file', async () => {
      expect(await exported(await storeOf(events))).toBe(text);
    });
  });

  describe('the golden logs', () => {
    const all = releases.flatMap((release) => eventsOf(read(release, 'log')));

    it('hold every event type in every version, every field and every word that the codec knows', () => {
      expect(whatIsMissing(all, readableEvents)).toEqual([]);
    });
    it('are one of the release that package.json names, as the recorder writes it today', async () => {
      expect(existsSync(fileOf(version, 'log'))).toBe(true);
      const store = await storeOf(goldenStory());
      expect(await exported(store)).toBe(read(version, 'log'));
      expect(await exported(await copyOf(store))).toBe(read(version, 'copy'));
    });
    it('would be found wanting without one of their event types', () => {
      for (const type of new Set(all.map((one) => one.type))) {
        const without = all.filter((one) => one.type !== type);
        expect([type, whatIsMissing(without, readableEvents).length > 0]).toEqual([type, true]);
      }
    });
    it('would be found wanting when an event gets a version or a field more', () => {
      expect(whatIsMissing(all, [...readableEvents, 'JobPaused@2'])).toEqual(['JobPaused, version 2']);
      const shapes = { JobPaused: { reason: 'string', until: 'number', by: ['ann', 'bob'] } } as const;
      expect(whatIsMissing(all, [], shapes)).toEqual(['JobPaused.until', 'JobPaused.by: ann', 'JobPaused.by: bob']);
    });
  });
}
