import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplicationContext, ModuleMetadata, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SystemClock } from '../../src/clock';
import { HoldfastService, type HoldfastOptions } from '../../src';

const clock = new SystemClock();

/** Waits for a condition; fails with what was waited for. */
export async function until(what: string, condition: () => boolean, limitMs = 10_000): Promise<void> {
  const end = clock.monotonic() + limitMs;
  while (!condition()) {
    if (clock.monotonic() > end) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await clock.sleep(5);
  }
}

/** The applications of one test, and what they leave behind. */
export class Hosts {
  private readonly open: INestApplicationContext[] = [];
  private readonly folders: string[] = [];

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-module-'));
    this.folders.push(folder);
    return folder;
  }

  /** Options that a test can wait for. */
  options(changes: Partial<HoldfastOptions> = {}): HoldfastOptions {
    return {
      service: { name: 'host', host: 'test' },
      store: { kind: 'memory' },
      liveness: 'tuned',
      drainTimeoutMs: 2_000,
      ...changes,
    };
  }

  /** A host application, compiled and not yet started. */
  async compile(metadata: ModuleMetadata): Promise<INestApplicationContext> {
    const app = await Test.createTestingModule(metadata).setLogger(quiet).compile();
    this.open.push(app);
    return app;
  }

  async start(metadata: ModuleMetadata): Promise<INestApplicationContext> {
    const app = await this.compile(metadata);
    await app.init();
    return app;
  }

  /** A host application whose root module is a class, as hosts have it. */
  async startRoot(root: Type): Promise<INestApplicationContext> {
    return this.start({ imports: [root] });
  }

  async close(): Promise<void> {
    await Promise.all(this.open.splice(0).map((app) => app.close()));
    for (const folder of this.folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  }
}

export async function ready(app: INestApplicationContext): Promise<HoldfastService> {
  const holdfast = app.get(HoldfastService, { strict: false });
  await until('the service may claim', () => holdfast.membership?.mayClaim() ?? false);
  return holdfast;
}

/** What Nest and Holdfast would print. */
export const printed: unknown[] = [];
const keep = (message: unknown) => void printed.push(message);
const quiet = { log: keep, error: keep, warn: keep, debug: keep, verbose: keep, fatal: keep };
