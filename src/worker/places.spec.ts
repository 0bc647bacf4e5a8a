import { HandlerRegistry } from './handler-registry';
import { Places } from './places';

describe('places', () => {
  let places: Places;
  beforeEach(() => {
    const handlers = new HandlerRegistry();
    handlers.register({ name: 'work', run: () => undefined });
    handlers.register({ name: 'narrow', concurrency: 2, run: () => undefined });
    places = new Places(4, handlers);
  });

  it('are so many in all', () => {
    for (let n = 0; n < 4; n++) expect(places.take('work')).not.toBeNull();
    expect([places.take('work'), places.take('narrow'), places.hasRoom('work')]).toEqual([null, null, false]);
    expect([places.taken, places.free]).toEqual([4, 0]);
  });

  it('are so many by handler, and that one is named as full', () => {
    const first = places.take('narrow')!;
    expect(places.full().handlers).toEqual([]);
    places.take('narrow');
    expect([places.take('narrow'), places.hasRoom('narrow'), places.hasRoom('work')]).toEqual([null, false, true]);
    expect(places.full().handlers).toEqual(['narrow']);
    first.give();
    expect(places.full().handlers).toEqual([]);
    expect(places.take('narrow')).not.toBeNull();
  });

  it('are given back once, however often that is asked', () => {
    const [first] = [places.take('work')!, places.take('work')!];
    first.give();
    first.give();
    expect([places.taken, places.free]).toEqual([1, 3]);
  });

  it('are one for suspects, until it is given back or its job turns out to be none', () => {
    const suspect = places.take('work', true)!;
    expect([suspect.suspect, places.full().suspects, places.take('work', true)]).toEqual([true, true, null]);
    const other = places.take('work')!;
    expect(other.suspect).toBe(false);
    // What is no suspect has no say in it.
    other.clear();
    other.give();
    expect(places.take('work', true)).toBeNull();
    suspect.clear();
    expect([suspect.suspect, places.full().suspects, places.taken]).toEqual([false, false, 1]);
    const next = places.take('work', true)!;
    suspect.give();
    expect(places.take('work', true)).toBeNull();
    next.give();
    expect(places.take('work', true)).not.toBeNull();
  });

  it('none for a suspect takes no other place either', () => {
    places.take('work', true);
    places.take('work', true);
    expect(places.taken).toBe(1);
  });
});
