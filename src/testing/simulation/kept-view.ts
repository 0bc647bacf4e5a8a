import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A view is one file, and what its journal has not brought into it yet. */
const PARTS = ['', '-wal'];

/** The file of a view, of which a crash leaves what its process had written: at the start of the next one it lies in a folder of its own. */
export class KeptView {
  private parts: readonly (Buffer | null)[] = [];
  private folder: string | null = null;

  constructor(
    private readonly root: () => string,
    private readonly serviceId: string,
  ) {}

  /** The folder that the next process finds it in. */
  laid(name: string): string {
    this.folder = join(this.root(), encodeURIComponent(name));
    mkdirSync(this.folder, { recursive: true });
    for (const [n, part] of this.parts.entries())
      if (part !== null) writeFileSync(this.file(this.folder, PARTS[n]), part);
    return this.folder;
  }

  /** The process is gone at this moment. */
  left(): void {
    const { folder } = this;
    if (folder === null) return;
    this.parts = PARTS.map((suffix) => this.file(folder, suffix)).map((file) =>
      existsSync(file) ? readFileSync(file) : null,
    );
  }

  private file(folder: string, suffix: string): string {
    return join(folder, `view-${encodeURIComponent(this.serviceId)}.sqlite${suffix}`);
  }
}
