import type { Clock } from '../clock';
import { MarkServiceFailedCommand } from '../commands';
import type { Logger } from '../logging';
import { answer, type MembershipCommands } from './facts';
import type { Observation, Suspect } from './observation';

export interface VerdictsPorts {
  readonly commands: MembershipCommands;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The position of the subscription, and what was heard up to it. */
export interface Evidence {
  readonly observation: Observation;
  readonly position: bigint;
}

/**
 * Marks silent peers failed (protocol 5.5). A verdict holds at the revision of the stream where the evidence was seen, or not at all: on a
 * conflict it is dropped, never decided anew, and silence is measured from there again.
 */
export class Verdicts {
  private readonly underWay = new Set<string>();

  constructor(
    private readonly ports: VerdictsPorts,
    private readonly options: { readonly serviceId: string; readonly timeoutMs: number },
  ) {}

  /** @param mayAppend looked at right before the append: a fenced observer judges nobody. */
  pass(evidence: Evidence, observerIncarnation: string, mayAppend: () => boolean): void {
    for (const suspect of evidence.observation.toJudge(this.ports.clock.monotonic())) {
      if (!this.underWay.has(suspect.incarnation)) void this.judge(suspect, evidence, observerIncarnation, mayAppend);
    }
  }

  private async judge(
    suspect: Suspect,
    { observation, position }: Evidence,
    observerIncarnation: string,
    mayAppend: () => boolean,
  ): Promise<void> {
    const { serviceId, incarnation, thresholdMs, lastBeat, revision } = suspect;
    const { commands, clock, logger } = this.ports;
    // In whole ms, and never less than the threshold that it has reached.
    const silenceMs = Math.max(Math.round(suspect.silenceMs), thresholdMs);
    this.underWay.add(incarnation);
    try {
      const command = new MarkServiceFailedCommand({
        by: 'observer',
        serviceId,
        incarnation,
        observer: this.options.serviceId,
        observerIncarnation,
        evidence: { kind: 'silence', lastBeat, silenceMs, thresholdMs, membershipPosition: String(position) },
        viewRevision: revision,
      });
      const result = await answer(commands.execute(command, { mayAppend, timeoutMs: this.options.timeoutMs }));
      observation.measureAnew(incarnation, clock.monotonic());
      const facts = { peer: serviceId, peerIncarnation: incarnation, silenceMs, thresholdMs };
      if (result.kind === 'appended') logger.warn('service.marked-failed', facts);
      else logger.info('service.verdict-dropped', { ...facts, words: result.words });
    } finally {
      this.underWay.delete(incarnation);
    }
  }
}
