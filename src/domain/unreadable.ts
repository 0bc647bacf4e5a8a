/** An event that this process cannot read: of an unknown type or version, or of a shape that its type does not have. */
export interface UnreadableEvent {
  readonly type: '$unreadable';
  readonly originalType: string;
  readonly why: string;
}
