import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  CommandRefusedError,
  Queries,
  RunJobNowCommand,
  ScheduleJobCommand,
  withOptions,
  type CommandResult,
  type CommandToJob,
  type Freshness,
  type JobRow,
  type LastOutcome,
  type Tag,
} from 'holdfast';
import { Audit, type AuditChanges, type AuditPayload, type AuditSpec } from './audit';
import {
  CancelAuditCommand,
  DeleteAuditCommand,
  ResumeAuditCommand,
  SuspendAuditCommand,
  TriggerAuditCommand,
  UpdateAuditCommand,
} from './audit-commands';
import { defineAudit, inWordsOfAudits } from './audit-definition';
import { auditState, type AuditState } from './audit-state';

/** An audit as it stands. */
export interface AuditView extends AuditPayload {
  readonly id: string;
  readonly state: AuditState;
  readonly tag: Tag;
  /** The engine that has it; null: none. */
  readonly owner: string | null;
  /** Instant of its next run; null: none is planned. */
  readonly nextRun: number | null;
  readonly lastOutcome: LastOutcome | null;
}

export interface AskOptions {
  /** Why, for the log. */
  readonly reason?: string;
  /** Makes a retry a no-op with the first result. */
  readonly commandId?: string;
  /** Who asks. */
  readonly actor?: string;
}

/**
 * Where audits are handed in and asked for. Everything rejects with `CommandRefusedError`, whose refusals name field, value, rule and remedy in
 * the words of audits, or as Holdfast's commands do when the log is out of reach.
 */
@Injectable()
export class AuditDesk {
  constructor(
    @Inject(CommandBus) private readonly commands: CommandBus,
    @Inject(Queries) private readonly queries: Queries,
  ) {}

  /**
   * A new audit. The same again adds nothing. One with an interval and no start runs at once, and then by its interval; one with a cron pattern
   * waits for it.
   */
  async create(spec: AuditSpec, { commandId, actor }: AskOptions = {}): Promise<CommandResult> {
    const { id: jobId, ...rest } = spec;
    const defined = defineAudit(rest);
    if (!defined.ok) throw new CommandRefusedError(defined.refusals);
    const command = new ScheduleJobCommand({
      jobId,
      handler: Audit.name,
      ...defined.value,
      ...(commandId !== undefined && { commandId }),
    });
    const created = await this.send(command, actor);
    const { kind, start } = defined.value.schedule;
    if (created.added === 0 || kind !== 'interval' || start !== undefined) return created;
    return this.send(new RunJobNowCommand({ jobId, reason: 'a new audit runs at once' }), actor);
  }

  /** What changes holds from the next run on. */
  update(id: string, changes: AuditChanges, { commandId, actor }: AskOptions = {}): Promise<CommandResult> {
    const ids = { jobId: id, ...(commandId !== undefined && { commandId }) };
    return this.send(new UpdateAuditCommand({ ...ids, changes }), actor);
  }

  suspend(id: string, options: AskOptions = {}): Promise<CommandResult> {
    return this.send(new SuspendAuditCommand(fields(id, options)), options.actor);
  }

  resume(id: string, options: AskOptions = {}): Promise<CommandResult> {
    return this.send(new ResumeAuditCommand(fields(id, options)), options.actor);
  }

  cancel(id: string, options: AskOptions = {}): Promise<CommandResult> {
    return this.send(new CancelAuditCommand(fields(id, options)), options.actor);
  }

  delete(id: string, options: AskOptions = {}): Promise<CommandResult> {
    return this.send(new DeleteAuditCommand(fields(id, options)), options.actor);
  }

  /** What happened outside that an EVENT audit waits for. */
  trigger(id: string, options: AskOptions = {}): Promise<CommandResult> {
    return this.send(new TriggerAuditCommand(fields(id, options)), options.actor);
  }

  /** One audit, whatever became of it; null: unknown. */
  async get(id: string, freshness: Freshness = {}): Promise<AuditView | null> {
    const row = await this.queries.job(id, freshness);
    return row === null || row.handler !== Audit.name ? null : viewOf(row);
  }

  /** All audits by id; deleted ones only when they are asked for. */
  async list({ deleted = false }: { readonly deleted?: boolean } = {}): Promise<readonly AuditView[]> {
    const found: AuditView[] = [];
    let cursor: string | null = null;
    do {
      const page = await this.queries.jobs({
        handler: Audit.name,
        includeRemoved: deleted,
        limit: 1_000,
        ...(cursor !== null && { cursor }),
      });
      found.push(...page.rows.map(viewOf).filter((view) => view !== null));
      cursor = page.next;
    } while (cursor !== null);
    return found;
  }

  private async send(command: CommandToJob, actor: string | undefined): Promise<CommandResult> {
    try {
      const asked = withOptions(command, actor === undefined ? {} : { actor });
      const { id, revision, position, added } = await this.commands.execute(asked);
      return { id, revision, position, added };
    } catch (error) {
      if (!(error instanceof CommandRefusedError)) throw error;
      const [first, ...others] = error.refusals;
      throw new CommandRefusedError([inWordsOfAudits(first), ...others.map(inWordsOfAudits)]);
    }
  }
}

function fields(jobId: string, { reason, commandId }: AskOptions) {
  return { jobId, ...(reason !== undefined && { reason }), ...(commandId !== undefined && { commandId }) };
}

/** null: an event of the job cannot be read here. */
function viewOf({ jobId, state, serviceId, nextRunTime, lastOutcome, tag }: JobRow): AuditView | null {
  if (state.stage === 'opaque') return null;
  const payload = state.definition.payload as unknown as AuditPayload;
  // The only slot of an EVENT audit is one that nobody lives to see.
  const waits = payload.type === 'EVENT' && state.requested.length === 0 && state.inProgress.length === 0;
  const nextRun = waits ? null : nextRunTime;
  return { id: jobId, ...payload, state: auditState(state), tag, owner: serviceId, nextRun, lastOutcome };
}
