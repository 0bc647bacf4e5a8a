import {
  SystemClock,
  type AppendOptions,
  type AppendOutcome,
  type EventStore,
  type ExpectedRevision,
  type NewEvent,
} from 'holdfast';

/** One append that has its answer, and how long it took, ms. */
export interface SpiedAppend {
  readonly events: readonly NewEvent[];
  readonly lane: AppendOptions['lane'];
  readonly outcome: AppendOutcome['outcome'];
  readonly ms: number;
}

/** Looks at the appends of all logs of this kind where they are handed to the log; they go through untouched. */
export function spyAppends(
  { prototype }: { readonly prototype: Pick<EventStore, 'append'> },
  onAnswered: (append: SpiedAppend) => void,
): void {
  const clock = new SystemClock();
  const { append } = prototype;
  prototype.append = async function (
    this: EventStore,
    stream: string,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
    options?: AppendOptions,
  ) {
    const begun = clock.monotonic();
    const answer = await append.call(this, stream, expected, events, options);
    onAnswered({ events, lane: options?.lane, outcome: answer.outcome, ms: clock.monotonic() - begun });
    return answer;
  };
}
