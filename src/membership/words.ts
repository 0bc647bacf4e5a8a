import type { ServiceMarkedFailed } from '../domain/service';
import type { FenceReason } from './membership';
import type { LivenessOptions } from './options';

/** Why this process does not trust itself, for operators. */
export function fenceInWords(reason: FenceReason, { selfFenceAfterMs }: LivenessOptions): string {
  switch (reason) {
    case 'not-registered':
      return 'fenced: it is not registered';
    case 'trust-expired':
      return `fenced: no beat was acknowledged within ${selfFenceAfterMs} ms; it returns when the log answers and nobody has judged it`;
    case 'clock-jump':
      return 'in doubt: the wall clock jumped; nothing starts until a beat and a leader read have shown that it still lives in the log';
    case 'marked-failed':
      return 'fenced: it was marked failed';
    case 'superseded':
      return 'fenced: another process registered under its service id';
    case 'log-went-back':
      return 'fenced: the log went back in time; it reads it anew and registers again';
    case 'stopped':
      return 'fenced: it has stopped';
  }
}

export function verdictInWords({ data }: ServiceMarkedFailed): string {
  if (data.by === 'operator') {
    const dead = data.confirmedDead ? ' (said to be dead)' : '';
    return `marked failed by ${data.actor}${dead}: ${data.reason}. It registers again when it is restarted or told to rejoin.`;
  }
  // The codec does not look into the evidence of others.
  const { kind, silenceMs, thresholdMs } = data.evidence ?? {};
  return kind === 'processGone'
    ? `judged by ${data.observer}: its process was taken for gone`
    : `judged by ${data.observer}: silent for ${silenceMs} ms of ${thresholdMs} ms`;
}
