import { VirtualClock } from '../clock';
import type { LogFields, Logger } from '../logging';
import type { ServiceRow } from '../read-model';
import { ZoneDataComparison } from './zone-data-comparison';

const service = (serviceId: string, life: 'live' | 'draining' | 'stopped', zoneData?: string) =>
  ({ serviceId, current: { life, ...(zoneData !== undefined && { zoneData }) } }) as unknown as ServiceRow;

describe('the zone data of the living services', () => {
  let clock: VirtualClock;
  let rows: ServiceRow[];
  let state: 'live' | 'waiting';
  let told: string[];
  let comparison: ZoneDataComparison;

  beforeEach(() => {
    clock = new VirtualClock();
    [rows, state, told] = [[service('own', 'live', '2026a')], 'live', []];
    const warn = (fact: string, fields?: LogFields) => void told.push(`${fact}: ${String(fields?.services)}`);
    const logger = { debug: () => {}, info: () => {}, warn, error: () => {} } as unknown as Logger;
    const view = { health: () => ({ state }), services: () => rows };
    comparison = new ZoneDataComparison(view as never, { clock, logger, zoneData: '2026a' }, 'own');
    comparison.start();
  });
  afterEach(() => comparison.close());

  it('raises no alarm where they agree, or it is not known', async () => {
    rows.push(service('b', 'live', '2026a'), service('older', 'live'), service('gone', 'stopped', '2025c'));
    expect(comparison.health()).toEqual({ own: '2026a', differing: [] });
    await clock.advance(3_700_000);
    expect(told).toEqual([]);
  });

  it('is told in the health and in the log, again only after an hour or when it is another', async () => {
    rows.push(service('b', 'draining', '2025c'));
    expect(comparison.health().differing).toEqual([{ serviceId: 'b', zoneData: '2025c' }]);
    await clock.advance(600_000);
    expect(told).toEqual(['zone-data.differs: b (2025c)']);
    rows.push(service('c', 'live', '2026b'));
    await clock.advance(120_000);
    expect(told.slice(1)).toEqual(['zone-data.differs: b (2025c), c (2026b)']);
    await clock.advance(3_700_000);
    expect(told).toHaveLength(3);
    rows.splice(1);
    await clock.advance(3_700_000);
    expect(told).toHaveLength(3);
  });

  it('is not looked for while the view cannot be read, or after the end', async () => {
    rows.push(service('b', 'live', '2025c'));
    state = 'waiting';
    await clock.advance(120_000);
    expect([comparison.health().differing, told]).toEqual([[], []]);
    comparison.close();
    state = 'live';
    await clock.advance(120_000);
    expect(told).toEqual([]);
  });
});
