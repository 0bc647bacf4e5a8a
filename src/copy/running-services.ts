import { decode } from '../domain/codec';
import { categoryOf, type RecordedEvent } from '../event-store';

/** Which services of a log have neither stopped nor been marked failed. */
export class RunningServices {
  private readonly running = new Map<string, Set<string>>();

  constructor(private readonly category: string) {}

  see({ stream, type, data, metadata }: RecordedEvent): void {
    if (categoryOf(stream) !== this.category) return;
    const event = decode(type, data, metadata);
    if (event.type === 'ServiceRegistered') {
      const known = this.running.get(event.data.serviceId) ?? new Set();
      this.running.set(event.data.serviceId, known.add(event.data.incarnation));
    } else if (event.type === 'ServiceStopped' || event.type === 'ServiceMarkedFailed') {
      this.running.get(event.data.serviceId)?.delete(event.data.incarnation);
    }
  }

  ids(): string[] {
    return [...this.running].flatMap(([id, incarnations]) => (incarnations.size > 0 ? [id] : [])).sort();
  }
}
