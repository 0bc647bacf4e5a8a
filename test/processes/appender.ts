import { EmbeddedEventStore, SystemClock, SystemRandom } from 'holdfast';

/**
 * Appends to a log as fast as it takes them, and says so: one line per acknowledged append,
 * `<stream> <expected> <event id> <revision> <position>`, after the line `ready`.
 *
 *     node appender.js <log> <name> [<appends per stream>]
 */
const STREAMS = 64;

async function main([path, name, count = 'Infinity']: string[]): Promise<void> {
  const clock = new SystemClock();
  const random = new SystemRandom();
  const store = await EmbeddedEventStore.open({ path, clock, random });
  process.stdout.write('ready\n');
  const one = async (stream: string) => {
    for (let n = 0, head = -1; n < Number(count); n++) {
      const id = random.uuid(clock.wall());
      const expected = head < 0 ? 'no_stream' : head;
      const answer = await store.append(stream, expected, [
        { id, type: 'Appended', data: `{"n":${n}}`, metadata: '{}' },
      ]);
      if (answer.outcome !== 'appended') throw new Error(`${stream} at ${expected}: ${answer.outcome}`);
      process.stdout.write(`${stream} ${expected} ${id} ${answer.revision} ${answer.position}\n`);
      head = answer.revision;
    }
  };
  const streams = Number.isFinite(Number(count)) ? 1 : STREAMS;
  await Promise.all(Array.from({ length: streams }, (_, n) => one(`${name}-${n}`)));
  await store.close();
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
