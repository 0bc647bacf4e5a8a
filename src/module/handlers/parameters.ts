import type { PipeTransform, Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants';

/** Nest's numbers of parameter kinds: pipes see 3 as `body` (so that `ValidationPipe` validates it) and 0 as `custom`. */
export const PAYLOAD_PARAMETER = 3;
export const CONTEXT_PARAMETER = 0;

type Pipe = Type<PipeTransform> | PipeTransform;
interface Parameter {
  readonly index: number;
  readonly data?: string;
  readonly pipes: readonly Pipe[];
}
export type Parameters = Readonly<Record<string, Parameter>>;

function parameter(kind: number, data?: string, pipes: readonly Pipe[] = []): ParameterDecorator {
  return (target, key, index) => {
    const host = target.constructor;
    const known = (Reflect.getMetadata(ROUTE_ARGS_METADATA, host, key!) ?? {}) as Parameters;
    Reflect.defineMetadata(ROUTE_ARGS_METADATA, { ...known, [`${kind}:${index}`]: { index, data, pipes } }, host, key!);
  };
}

/**
 * The payload as a parameter of a handler, or one property of it, through pipes of its own.
 * Needed only for pipes and other orders of parameters: undecorated, the first parameter is the payload and the second the context.
 */
export function JobPayload(...pipes: readonly Pipe[]): ParameterDecorator;
export function JobPayload(property: string, ...pipes: readonly Pipe[]): ParameterDecorator;
export function JobPayload(...given: readonly (string | Pipe)[]): ParameterDecorator {
  const [first, ...rest] = given;
  return typeof first === 'string'
    ? parameter(PAYLOAD_PARAMETER, first, rest as Pipe[])
    : parameter(PAYLOAD_PARAMETER, undefined, given as Pipe[]);
}

/** The `JobContext` as a parameter of a handler. No pipe sees it. */
export function JobCtx(): ParameterDecorator {
  return parameter(CONTEXT_PARAMETER);
}

/**
 * How a method is given its parameters: as decorated; the first two are payload and context where nothing else is said.
 * @param contextOnly the first is the context, and there is no other.
 */
export function parametersOf(host: object, method: string | symbol, contextOnly = false): Parameters {
  const decorated = (Reflect.getMetadata(ROUTE_ARGS_METADATA, host, method) ?? {}) as Parameters;
  const taken = new Set(Object.values(decorated).map(({ index }) => index));
  if (contextOnly)
    return { ...(taken.has(0) ? {} : { [`${CONTEXT_PARAMETER}:0`]: { index: 0, pipes: [] } }), ...decorated };
  return {
    ...(taken.has(0) ? {} : { [`${PAYLOAD_PARAMETER}:0`]: { index: 0, pipes: [] } }),
    ...(taken.has(1) ? {} : { [`${CONTEXT_PARAMETER}:1`]: { index: 1, pipes: [] } }),
    ...decorated,
  };
}

/** The value of a parameter, from `[payload, context]`. */
export function valueOf(kind: number, property: unknown, [payload, context]: readonly unknown[]): unknown {
  if (kind !== PAYLOAD_PARAMETER) return context;
  if (typeof property !== 'string') return payload;
  return (payload as Record<string, unknown> | null)?.[property];
}
