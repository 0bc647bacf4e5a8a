/** A point of time: whole milliseconds since 1970-01-01T00:00:00Z. (The domain imports nothing but itself, so it names its own.) */
export type Instant = number;

/** JSON as events carry it: what `JSON.parse(JSON.stringify(x))` gives back unchanged. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };
export type JsonObject = { readonly [key: string]: JsonValue };
