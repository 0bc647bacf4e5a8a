import { namespacePrefix } from '../../domain/namespace';

/** `job-<jobId>`, in its namespace (`acme.job-<jobId>`). */
export function jobStream(namespace: string, jobId: string): string {
  return `${namespacePrefix(namespace)}job-${jobId}`;
}

/** `service-<serviceId>`, in its namespace. */
export function serviceStream(namespace: string, serviceId: string): string {
  return `${namespacePrefix(namespace)}service-${serviceId}`;
}
