import { EventStoreDbEventStore, SystemClock, SystemRandom, verifyLog, type EventStore } from 'holdfast';
import { Gaps, median } from './gaps';
import { compare, Load } from './load';
import { Nodes } from './nodes';
import { readOptions, usage, UsageError, type FaultOptions } from './options';
import { Workforce } from './work';

const clock = new SystemClock();
const random = new SystemRandom();
const PATIENCE_MS = 120_000;
/** After a fault, this much of undisturbed acceptance ends the round. */
const STEADY_MS = 2_000;

interface Round {
  /** Longest time without an accepted append of the load, ms. */
  readonly appendsMs: number;
  /** Longest time without an accepted claim of the services, ms. */
  readonly claimsMs: number;
  /** From when the command that starts the node was done to the next accepted append, ms; 0: appends went on before. */
  readonly afterStartMs: number;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const namespace = `faults_${clock.wall().toString(36)}_${process.pid.toString(36)}`;
  const nodes = new Nodes(options);
  if (options.nodes.length > 0 && !(await nodes.whole())) throw new Error('Not all nodes are there.');
  const store = await EventStoreDbEventStore.open({ connection: options.connection, namespace, clock, random });
  const accepted = new Gaps(clock);
  const claimed = new Gaps(clock);
  const load = new Load(store, clock, random, accepted);
  const workforce = new Workforce(options, namespace, clock, claimed);
  const rounds: Round[] = [];
  await workforce.start();
  load.start(options.inFlight);
  for (let n = 1; n <= options.rounds; n++) {
    const round = await oneRound(options, nodes, { accepted, claimed, workforce });
    rounds.push(round);
    const { acknowledged, unknown, unavailable } = load.counts;
    const { fences, aborted } = workforce.counts;
    console.log(
      `round ${n}: nothing accepted for ${round.appendsMs} ms (appends), ${round.claimsMs} ms (claims), appends ${round.afterStartMs} ms after the start; ` +
        `so far ${acknowledged} acknowledged, ${unknown} unknown, ${unavailable} unavailable, ${fences} fences, ${aborted} runs aborted`,
    );
  }
  await load.stop();
  await workforce.close();
  console.log('reading the log');
  return await judge(options, store, load, workforce, rounds);
}

interface Seen {
  readonly accepted: Gaps;
  readonly claimed: Gaps;
  readonly workforce: Workforce;
}

async function oneRound(options: FaultOptions, nodes: Nodes, seen: Seen): Promise<Round> {
  const { accepted, claimed } = seen;
  await clock.sleep(options.warmUpMs);
  const n = options.fault === 'kill-node' ? 1 : await leaderOf(options, nodes);
  accepted.begin();
  claimed.begin();
  await inflict(options, nodes, n, accepted);
  const startedAt = clock.monotonic();
  const afterStart = accepted.next().then((at) => Math.max(0, Math.round(at - startedAt)));
  await until('acceptance again, and services that are ready', () => flows(options, seen));
  const round = {
    appendsMs: options.inFlight > 0 ? accepted.end() : 0,
    claimsMs: claimed.end(),
    afterStartMs: options.inFlight > 0 ? await afterStart : 0,
  };
  if (options.nodes.length > 0 && !(await nodes.whole())) throw new Error('The nodes did not come together again.');
  return round;
}

async function leaderOf({ fault }: FaultOptions, nodes: Nodes): Promise<number> {
  if (fault === 'none') return 0;
  for (;;) {
    const leader = await nodes.leader();
    if (leader !== null) return leader;
    await clock.sleep(250);
  }
}

async function inflict(options: FaultOptions, nodes: Nodes, n: number, accepted: Gaps): Promise<void> {
  switch (options.fault) {
    case 'none':
      return;
    case 'kill-node':
      await nodes.kill(n);
      await clock.sleep(options.downMs);
      return nodes.start(n);
    case 'kill-leader':
      await nodes.kill(n);
      await clock.sleep(options.downMs);
      await until('acceptance without the dead leader', () => options.inFlight === 0 || accepted.flows(500));
      return nodes.start(n);
    case 'freeze-leader':
      await nodes.freeze(n);
      await clock.sleep(options.frozenMs);
      await nodes.thaw(n);
      // A leader of former times may end itself when it finds another one in its place.
      await clock.sleep(3_000);
      return nodes.start(n);
  }
}

let flowingSince: number | null = null;

function flows({ inFlight, services }: FaultOptions, { accepted, claimed, workforce }: Seen): boolean {
  const now = clock.monotonic();
  const good = (inFlight === 0 || accepted.flows(500)) && (services === 0 || (workforce.ready && claimed.flows(1_500)));
  flowingSince = good ? (flowingSince ?? now) : null;
  if (flowingSince === null || now - flowingSince < STEADY_MS) return false;
  flowingSince = null;
  return true;
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const begun = clock.monotonic();
  while (!condition()) {
    if (clock.monotonic() - begun > PATIENCE_MS)
      throw new Error(`waited ${PATIENCE_MS / 1_000} s in vain for: ${what}`);
    await clock.sleep(50);
  }
}

async function judge(
  { fault, nodes, liveness, inFlight, services }: FaultOptions,
  store: EventStore,
  load: Load,
  workforce: Workforce,
  rounds: readonly Round[],
): Promise<number> {
  const found = await compare(store, load);
  const report = await verifyLog(store);
  for (const { stream, revision, invariant, words } of report.violations.slice(0, 20))
    console.log(`${stream} revision ${revision}: ${invariant}: ${words}`);
  const facts = await countFacts(store);
  const of = (pick: (round: Round) => number) => {
    const values = rounds.map(pick);
    return { medianMs: median(values), maxMs: Math.max(0, ...values) };
  };
  const result = {
    fault,
    nodes: Math.max(1, nodes.length),
    rounds: rounds.length,
    inFlight,
    services,
    liveness,
    ...load.counts,
    ...found,
    withoutAppends: of(({ appendsMs }) => appendsMs),
    withoutClaims: of(({ claimsMs }) => claimsMs),
    acceptedAfterStart: of(({ afterStartMs }) => afterStartMs),
    ...workforce.counts,
    ...facts,
    events: report.events,
    violations: report.violationCount,
  };
  console.log(JSON.stringify(result));
  return found.lost > 0 || found.doubled > 0 || load.counts.conflicts > 0 || report.violationCount > 0 ? 1 : 0;
}

/** Verdicts, returns of fenced services, and runs that had to be abandoned. */
async function countFacts(store: EventStore) {
  const counted = { ServiceMarkedFailed: 0, ServiceReasserted: 0, JobRunAbandoned: 0, JobRunSucceeded: 0 };
  for (let after: bigint | 'start' = 'start'; ;) {
    const slice = await store.readAll({ after, categories: ['job', 'service'], limit: 5_000 });
    for (const { type } of slice.events) if (type in counted) counted[type as keyof typeof counted]++;
    if (slice.position === 'start' || slice.end) return counted;
    after = slice.position;
  }
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    if (error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS')) {
      process.stderr.write(`${(error as Error).message}\n\n${usage}`);
      process.exit(2);
    }
    console.error(error);
    process.exit(1);
  },
);
