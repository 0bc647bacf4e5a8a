import { HoldfastService, jobType, livenessProfiles, resolveOptions } from 'holdfast';
import type { FromMember, ToMember } from './cluster';
import { optionsAt, type Place } from './place';

/** One service of the takeover case, a process of its own: place, host, profile. Its handler says when it was entered, and then goes on until told. */
const Long = jobType<null>('long');
const READY_POLL_MS = 20;

async function main(place: Place, host: string, profile: keyof typeof livenessProfiles): Promise<void> {
  const options = resolveOptions({ service: { name: 'bench', host }, ...optionsAt(place), liveness: profile });
  const service = await HoldfastService.open(options);
  const send = (message: FromMember) => process.send?.(message);
  const finish = new Map<string, () => void>();
  service.handlers.register({
    name: Long.name,
    run: (_payload, { jobId, signal }) => {
      send({ kind: 'entered', job: jobId, at: process.hrtime.bigint().toString() });
      return new Promise<void>((resolve, reject) => {
        finish.set(jobId, resolve);
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    },
  });
  process.on('message', (message: ToMember) => {
    if (message.kind === 'schedule') void service.jobs.schedule(Long, null, { id: message.job });
    if (message.kind === 'finish') finish.get(message.job)?.();
  });
  process.on('disconnect', () => process.exit(1));
  await service.start();
  while (!(await service.readiness()).ready) await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
  send({ kind: 'ready' });
}

const [, , place, host, profile] = process.argv;
void main(JSON.parse(place) as Place, host, profile as keyof typeof livenessProfiles);
