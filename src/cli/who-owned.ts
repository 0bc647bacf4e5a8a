import { type AsOf, type StateAsOf } from '../audit';
import { statusOf } from '../domain/job';
import type { EventStore } from '../event-store';
import { knownJob, recordOf } from './known-job';
import { jsonLine, printable, type CommandIo } from './output';
import { iso } from './words';

export interface WhoOwnedOptions {
  readonly namespace: string;
  readonly json: boolean;
  readonly at: AsOf;
}

/** `holdfast who-owned`: the owner of a job at a point, and since when. @returns the exit code. */
export async function showOwner(
  store: EventStore,
  jobId: string,
  options: WhoOwnedOptions,
  io: CommandIo,
): Promise<number> {
  const found = await knownJob(store, jobId, options.at, options.namespace);
  await io.out.write(options.json ? jsonLine(ownerJson(found)) : text(found));
  return 0;
}

/** The point, and who owned the job there. */
export function ownerJson(found: StateAsOf): object {
  const { jobId, at, state, owner, words } = found;
  const record = recordOf(state);
  const ownership = record?.ownership ?? null;
  return {
    jobId,
    asOf: at === null ? null : { revision: at.revision, position: String(at.position), created: iso(at.created) },
    existed: state.stage !== 'absent',
    status: state.stage === 'opaque' ? 'opaque' : record === null ? null : statusOf(record),
    owner: owner === null ? null : { ...owner, since: ownership?.kind === 'bound' ? iso(ownership.since) : null },
    unowned:
      ownership?.kind === 'unbound'
        ? {
            since: iso(ownership.since),
            reason: ownership.reason,
            detail: ownership.detail,
            lastServiceId: ownership.lastServiceId,
            target: ownership.target,
          }
        : null,
    words,
  };
}

function text({ jobId, at, state, owner, words }: StateAsOf): string {
  const where = at === null ? '' : ` (as of revision ${at.revision}, position ${at.position}, ${iso(at.created)})`;
  const ownership = recordOf(state)?.ownership;
  const who =
    owner === null || ownership?.kind !== 'bound'
      ? 'nobody'
      : `${owner.serviceId}, incarnation ${owner.incarnation}, epoch ${owner.epoch}, since ${iso(ownership.since)}`;
  return `${printable(jobId)}: ${printable(who)}\n${printable(words)}${where}\n`;
}
