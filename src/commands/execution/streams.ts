/** `job-<jobId>`, in its namespace (`acme.job-<jobId>`). */
export function jobStream(namespace: string, jobId: string): string {
  return `${prefix(namespace)}job-${jobId}`;
}

/** `service-<serviceId>`, in its namespace. */
export function serviceStream(namespace: string, serviceId: string): string {
  return `${prefix(namespace)}service-${serviceId}`;
}

function prefix(namespace: string): string {
  return namespace === '' ? '' : `${namespace}.`;
}
