import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { Refusal } from './refusals';

/** The answering half of a read: says when the caller does not take more, and when it has gone. */
export class Outlet {
  closed = false;
  private wake: (() => void)[] = [];
  private readonly closings: (() => void)[] = [];

  constructor(private readonly call: ServerWritableStream<ReadReq, ReadResp>) {
    call.on('drain', () => this.stir());
    for (const event of ['cancelled', 'close', 'error']) call.on(event, () => this.shut());
  }

  /** Whether there is room for more. */
  put(response: ReadResp): boolean {
    return this.closed || this.call.write(response);
  }

  /** Resolves when there is room again, or nobody is there any more. */
  drained(): Promise<void> {
    return new Promise((resolve) => (this.closed ? resolve() : this.wake.push(resolve)));
  }

  /** A clean end. */
  end(): void {
    if (this.closed) return;
    this.shut();
    this.call.end();
  }

  fail(refusal: Refusal): void {
    if (this.closed) return;
    this.shut();
    this.call.emit('error', refusal);
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.closings.push(listener);
  }

  private shut(): void {
    if (this.closed) return;
    this.closed = true;
    this.stir();
    for (const listener of this.closings) listener();
  }

  private stir(): void {
    const waiting = this.wake;
    this.wake = [];
    for (const resolve of waiting) resolve();
  }
}
