import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GossipService } from '@eventstore/db-client/generated/gossip_grpc_pb';
import { ServerFeaturesService } from '@eventstore/db-client/generated/serverfeatures_grpc_pb';
import { StreamsService, type IStreamsServer } from '@eventstore/db-client/generated/streams_grpc_pb';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { SystemClock, SystemRandom, type Clock } from '../../../src/clock';
import { batchAppend } from './batch-append';
import { Connections } from './connections';
import type { Context, Limits, SeenCall } from './context';
import { Faults } from './faults';
import { gossip, serverFeatures } from './gossip-service';
import { Log } from './log';
import { read } from './reads';
import { plainAppend, softDelete, tombstone } from './writes';
import { Writer } from './writer';

/** Messages larger than this are refused by the transport (RESOURCE_EXHAUSTED), before anybody looks at them. */
const MAX_MESSAGE_BYTES = 16 * 1_024 * 1_024;

export interface StandInOptions extends Partial<Limits> {
  /** Default: one that is free. */
  readonly port?: number;
  /** Nodes of one cluster share theirs. */
  readonly log?: Log;
  readonly clock?: Clock;
  /** Speaks TLS, as `localhost`, with a certificate of the authority in `authorityFile`. */
  readonly tls?: boolean;
  /** Who may call, by their passwords. Default: anybody, as on an insecure server. */
  readonly users?: Readonly<Record<string, string>>;
}

/** The authority that has signed the certificate of a stand-in with TLS. */
export const authorityFile = join(__dirname, 'tls/ca.crt');

function transport({ tls }: StandInOptions): ServerCredentials {
  if (tls !== true) return ServerCredentials.createInsecure();
  const file = (name: string) => readFileSync(join(__dirname, 'tls', name));
  return ServerCredentials.createSsl(null, [{ cert_chain: file('node.crt'), private_key: file('node.key') }]);
}

/** A server in this process that answers the client as the real one does, over a log in memory and a real socket. */
export class StandIn {
  /** What was asked for, in order. */
  readonly calls: SeenCall[] = [];
  readonly faults: Faults;
  readonly log: Log;
  private readonly server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES });
  private readonly connections: Connections;
  private innerPort = 0;
  private publicPort = 0;

  private constructor(private readonly options: StandInOptions) {
    const clock = options.clock ?? new SystemClock();
    this.log = options.log ?? new Log(clock);
    // The port behind the relay is known when the server is bound; nothing comes in before that.
    this.connections = new Connections(() => this.innerPort);
    this.faults = new Faults(this.connections, () => this.log.startNewRun());
    const writeTimeoutMs = options.writeTimeoutMs ?? 2_000;
    const context: Context = {
      log: this.log,
      writer: new Writer(this.log, clock, writeTimeoutMs),
      faults: this.faults,
      clock,
      random: new SystemRandom(),
      limits: { liveBuffer: options.liveBuffer ?? 32, writeTimeoutMs },
      calls: this.calls,
      users: options.users,
      drop: (peer) => this.connections.drop(peer),
    };
    const streams: IStreamsServer = {
      read: read(context),
      append: plainAppend(context),
      batchAppend: batchAppend(context),
      delete: softDelete(context),
      tombstone: tombstone(context),
    };
    this.server.addService(StreamsService, streams);
    this.server.addService(
      GossipService,
      gossip(context, () => this.publicPort),
    );
    this.server.addService(ServerFeaturesService, serverFeatures(context));
  }

  static async start(options: StandInOptions = {}): Promise<StandIn> {
    const standIn = new StandIn(options);
    standIn.innerPort = await new Promise<number>((resolve, reject) =>
      standIn.server.bindAsync('127.0.0.1:0', transport(options), (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    standIn.publicPort = await standIn.connections.listen(options.port ?? 0);
    return standIn;
  }

  get port(): number {
    return this.publicPort;
  }

  get connectionString(): string {
    return this.options.tls === true
      ? `esdb://localhost:${this.publicPort}?tlsCAFile=${encodeURIComponent(authorityFile)}`
      : `esdb://127.0.0.1:${this.publicPort}?tls=false`;
  }

  /** Connections that are open now, and how many there ever were. */
  get connected(): { readonly open: number; readonly ever: number } {
    return { open: this.connections.open, ever: this.connections.accepted };
  }

  /** Releases the sockets and the port; the data is kept as long as somebody holds the log. */
  async close(): Promise<void> {
    await this.connections.kill();
    this.server.forceShutdown();
  }
}
