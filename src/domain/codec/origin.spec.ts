import { originOf, withOrigin } from './origin';

const origin = { log: 'a', position: 2n ** 60n, created: 1_577_880_000_000 };

describe('the origin of a copied event', () => {
  it.each(['{}', ' { } ', '{"actor":"x}","schemaVersion":1}', '{ "a": {"b": [1.50]} }\n'])(
    'is put into %j, read from there, and leaves the rest as it was',
    (metadata) => {
      const stamped = withOrigin(metadata, origin);
      expect(originOf(stamped)).toEqual(origin);
      const { copied: _copied, ...rest } = JSON.parse(stamped) as Record<string, unknown>;
      expect(rest).toEqual(JSON.parse(metadata));
      expect(stamped.replace(/,?"copied":\{[^}]*\}/, '')).toBe(metadata);
    },
  );
  it('is the first one, also in the copy of a copy', () => {
    const once = withOrigin('{}', origin);
    expect(withOrigin(once, { log: 'b', position: 1n, created: 1 })).toBe(once);
  });
  it.each(['{}', '{"actor":"copied"}', '{"copied":null}', '{"copied":{"log":"a","position":"0","created":1}}'])(
    'is not in %s',
    (metadata) => expect(originOf(metadata)).toBeNull(),
  );
});
