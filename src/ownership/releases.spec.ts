import { VirtualClock } from '../clock';
import { FencedError, type CommandToJob, type ExecuteOptions, type JobExecution } from '../commands';
import { silentLogger } from '../logging';
import { Ledger } from './ledger';
import { Releases, type ReleaseIntent } from './releases';
import type { SweepPorts } from './ports';

const state = { stage: 'live' } as unknown as ReleaseIntent['state'];
const intent: ReleaseIntent = { jobId: 'one', epoch: 3, reason: 'late', target: 'b', state };

/** The executor as it is: it asks once more right before the append whether it still may. */
class Scene {
  readonly asked: { readonly command: CommandToJob; readonly options: ExecuteOptions }[] = [];
  readonly ledger = new Ledger(new VirtualClock(), silentLogger, () => undefined);
  /** The incarnation that is trusted. */
  trusted: string | null = 'a#1';
  appended = 0;
  /** While the command is on its way. */
  meanwhile: () => void = () => undefined;
  readonly releases: Releases;

  constructor() {
    const execute = (command: CommandToJob, options: ExecuteOptions): Promise<JobExecution> => {
      this.asked.push({ command, options });
      this.meanwhile();
      if (options.mayAppend?.() === false) return Promise.reject(new FencedError('fenced'));
      this.appended += 1;
      return Promise.resolve({ id: 'one', revision: 8, position: 20n, added: 1 } as unknown as JobExecution);
    };
    const ports = { commands: { execute }, logger: silentLogger, membership: { serviceId: 'a' } };
    this.releases = new Releases(
      ports as unknown as SweepPorts,
      this.ledger,
      6_000,
      (incarnation) => this.trusted === incarnation,
    );
  }

  release(incarnation = 'a#1') {
    return this.releases.act(intent, incarnation).run();
  }
}

describe('a release', () => {
  it('is asked for at the state that it was decided on, of the incarnation that decided it', async () => {
    const scene = new Scene();
    expect(await scene.release()).toBe('took');
    expect(scene.asked[0].command).toMatchObject({
      jobId: 'one',
      epoch: 3,
      reason: 'late',
      target: 'b',
      serviceId: 'a',
      incarnation: 'a#1',
    });
    expect(scene.asked[0].options).toMatchObject({ known: state, timeoutMs: 6_000 });
    expect(scene.ledger.counters.releases).toBe(1);
  });

  it('that waited for its turn until its incarnation was not trusted any more is not asked for', async () => {
    const scene = new Scene();
    scene.trusted = null;
    expect(await scene.release()).toBe('neutral');
    scene.trusted = 'a#2';
    expect(await scene.release()).toBe('neutral');
    expect(scene.asked).toEqual([]);
  });

  it('is not appended when trust ends between the question and the append', async () => {
    const scene = new Scene();
    scene.meanwhile = () => (scene.trusted = null);
    expect(await scene.release()).toBe('neutral');
    expect([scene.asked.length, scene.appended]).toEqual([1, 0]);
    expect(scene.ledger.counters).toMatchObject({ releases: 0, fenced: 1 });
  });

  it('of a job that this process has moved since is not asked for until the view shows that', async () => {
    const scene = new Scene();
    expect(await scene.release()).toBe('took');
    expect(await scene.release()).toBe('neutral');
    expect(scene.asked).toHaveLength(1);
    scene.ledger.applied(20n);
    await scene.release();
    expect(scene.asked).toHaveLength(2);
  });
});
