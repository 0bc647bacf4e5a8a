import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A connection of a caller, and the one to the gRPC server that it is relayed to. */
interface Relay {
  readonly outer: Socket;
  readonly inner?: Socket;
}

/**
 * The sockets that callers see, in front of the gRPC server: what flows through them can be stopped, and they can be cut,
 * without the gRPC server having a say, as when a machine freezes or dies.
 */
export class Connections {
  private server: Server | undefined;
  private readonly relays = new Set<Relay>();
  private frozen = false;
  private port = 0;
  /** How many connections were ever accepted. */
  accepted = 0;

  constructor(private readonly innerPort: () => number) {}

  get open(): number {
    return this.relays.size;
  }

  /** Listens; after `kill` on the same port as before. */
  async listen(port = this.port): Promise<number> {
    const server = createServer({ noDelay: true }, (outer) => this.accept(outer));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    return this.port;
  }

  /** As SIGSTOP does: connections stay and new ones are accepted (by the kernel), but nothing flows either way. */
  freeze(): void {
    this.frozen = true;
    for (const { outer, inner } of this.relays) {
      outer.pause();
      inner?.pause();
    }
  }

  thaw(): void {
    this.frozen = false;
    for (const relay of [...this.relays]) {
      if (relay.inner) {
        relay.outer.resume();
        relay.inner.resume();
      } else {
        this.relays.delete(relay);
        this.relay(relay.outer);
      }
    }
  }

  /** As SIGKILL does: nobody listens, and every connection is reset. */
  async kill(): Promise<void> {
    this.frozen = false;
    const server = this.server;
    this.server = undefined;
    const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    this.dropAll();
    await closed;
  }

  dropAll(): void {
    for (const relay of [...this.relays]) this.cut(relay);
  }

  /** Resets the connection that a call came over; `peer` is what the call says it came from. */
  drop(peer: string): void {
    const from = Number(peer.slice(peer.lastIndexOf(':') + 1));
    for (const relay of [...this.relays]) if (relay.inner?.localPort === from) this.cut(relay);
  }

  private accept(outer: Socket): void {
    this.accepted++;
    outer.on('error', () => undefined);
    if (!this.frozen) return this.relay(outer);
    outer.pause();
    const waiting: Relay = { outer };
    this.relays.add(waiting);
    outer.once('close', () => this.relays.delete(waiting));
  }

  private relay(outer: Socket): void {
    const inner = createConnection({ port: this.innerPort(), host: '127.0.0.1', noDelay: true });
    const relay: Relay = { outer, inner };
    this.relays.add(relay);
    inner.on('error', () => undefined);
    outer.on('data', (bytes) => this.pass(bytes, outer, inner));
    inner.on('data', (bytes) => this.pass(bytes, inner, outer));
    const over = () => {
      this.relays.delete(relay);
      outer.destroy();
      inner.destroy();
    };
    outer.once('end', () => inner.end()).once('close', over);
    inner.once('end', () => outer.end()).once('close', over);
    outer.resume();
  }

  /** Back-pressure goes through: a caller that does not read is felt by the server. */
  private pass(bytes: Buffer, from: Socket, to: Socket): void {
    if (to.destroyed || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => {
      if (!this.frozen) from.resume();
    });
  }

  private cut(relay: Relay): void {
    this.relays.delete(relay);
    relay.outer.resetAndDestroy();
    relay.inner?.destroy();
  }
}
