import { placeOnServer } from '../place';
import { Side, type SideKind } from './side';

/** In this order within a round, so that neither side has the better half of it. */
const TURNS: readonly SideKind[] = ['raw', 'adapter', 'adapter', 'raw'];

/** Both sides, each in a process of its own that lives as long as `use`. @param apart each has a namespace of its own */
export async function withSides<T>(
  directory: string,
  use: (sides: Readonly<Record<SideKind, Side>>) => Promise<T>,
): Promise<T> {
  const started: Side[] = [];
  const start = async (kind: SideKind) => {
    const side = await Side.start(kind, await placeOnServer(`${directory}/${kind}`));
    started.push(side);
    return side;
  };
  try {
    return await use({ raw: await start('raw'), adapter: await start('adapter') });
  } finally {
    await Promise.all(started.map((side) => side.kill()));
  }
}

/** In turns: raw, adapter, adapter, raw. */
export async function inTurns<T>(
  sides: Readonly<Record<SideKind, Side>>,
  measure: (side: Side, kind: SideKind) => Promise<T>,
): Promise<Readonly<Record<SideKind, readonly T[]>>> {
  const found: Record<SideKind, T[]> = { raw: [], adapter: [] };
  for (const kind of TURNS) found[kind].push(await measure(sides[kind], kind));
  return found;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
