import type { Clock, ClusterTime } from '../clock';

/** Cluster time from membership once there is one; before, and on a web-only replica, the wall clock. */
export class SwitchableTime implements ClusterTime {
  private source: ClusterTime | null = null;

  constructor(private readonly clock: Clock) {}

  use(source: ClusterTime): void {
    this.source = source;
  }

  now(): number {
    return this.source?.now() ?? this.clock.wall();
  }
}
