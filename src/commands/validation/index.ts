export { Checked } from './checked';
export { validateCommand } from './validate-command';
export {
  anything,
  arrayOf,
  boolean,
  fieldsOf,
  nullable,
  number,
  object,
  oneOf,
  optional,
  refusal,
  text,
  when,
  whole,
  type Check,
  type InputRefusal,
  type InputRefusalCode,
} from './check';
export {
  affinity,
  dictionary,
  handlerName,
  id,
  instant,
  policies,
  reason,
  schedule,
  withDefaults,
  defaultPolicies,
  type PoliciesInput,
} from './fields';
export { jsonPayload, MAX_PAYLOAD_BYTES } from './json';
