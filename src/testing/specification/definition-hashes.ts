import { createHash } from 'node:crypto';
import { canonicalDefinition, type JobCommand, type JobDefinition } from '../../domain/job';
import type { Written } from './given-log';

interface Hashed {
  readonly definition: JobDefinition;
  readonly definitionHash: string;
}

/**
 * A specification may write any word for a definition's hash; on the bus it is the real one. Equal words stand for equal definitions.
 * A word that stands for two definitions, or the other way round, contradicts itself and is an error.
 */
export class DefinitionHashes {
  private readonly words = new Map<string, string>();

  /** The event with real hashes. */
  real(written: Written): Written {
    if (!written.data.includes('"definitionHash"')) return written;
    const data = JSON.parse(written.data) as Partial<Hashed> & { readonly state?: Hashed };
    const whole = isHashed(data) ? { ...data, definitionHash: this.learn(data) } : data;
    const state = data.state;
    const known = isHashed(state) ? { ...whole, state: { ...state, definitionHash: this.learn(state) } } : whole;
    return { ...written, data: JSON.stringify(known) };
  }

  learnFrom(command: JobCommand): void {
    if ('definitionHash' in command) this.learn(command);
  }

  /** The event's data with the words of the specification. */
  specified(data: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const { definitionHash } = data;
    const word = typeof definitionHash === 'string' ? this.words.get(definitionHash) : undefined;
    return word === undefined ? data : { ...data, definitionHash: word };
  }

  private learn({ definition, definitionHash }: Hashed): string {
    const real = createHash('sha256').update(canonicalDefinition(definition)).digest('hex');
    for (const [hash, word] of this.words) {
      if ((hash === real) === (word === definitionHash)) continue;
      throw new Error(
        `The definition hashes '${word}' and '${definitionHash}' contradict their definitions: equal words are for equal definitions.`,
      );
    }
    this.words.set(real, definitionHash);
    return real;
  }
}

function isHashed(data: Partial<Hashed> | undefined): data is Hashed {
  return data?.definition !== undefined && data.definitionHash !== undefined;
}
