/** What was made for a key is kept; of more than `most`, the least recently used is dropped. */
export class Recent<Value> {
  private readonly kept = new Map<string, Value>();

  constructor(private readonly most: number) {}

  /** What `make` throws is not kept. */
  get(key: string, make: () => Value): Value {
    const known = this.kept.get(key);
    if (known !== undefined) {
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    const made = make();
    this.kept.set(key, made);
    if (this.kept.size > this.most) this.kept.delete(this.kept.keys().next().value as string);
    return made;
  }
}
