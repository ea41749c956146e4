import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { onTestFinished, TestRunner } from 'vitest';

/** Chromium without the parts of a desktop: a new profile and its first page cost a third of what they cost in the whole one. */
const EXECUTABLE = '/usr/lib/chromium/chromium-headless-shell';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A page lives for a second or two: what V8 would optimise for later is thrown away with it.
  '--js-flags=--no-maglev --no-turbofan',
];

export interface TestBrowser {
  /**
   * A new browser profile: its own cookies and caches, in memory. One that a test opens ends with that test: a page that
   * is left open goes on asking the app.
   */
  open(options?: BrowserContextOptions): Promise<BrowserContext>;
  /** Ends the profiles of the test file. */
  close(): Promise<void>;
}

/** As a whole test has more than half a minute: what a busy machine does slowly must not fail for it. */
const PATIENCE_MS = 60_000;

/** Of this worker, for all its test files: a start takes seconds of CPU time. It ends with the worker. */
let running: Promise<Browser> | undefined;

/** The system's Chromium, headless, with profiles of this test file. */
export async function startBrowser(): Promise<TestBrowser> {
  if (!(await running)?.isConnected())
    running = chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS });
  const browser = await running;
  if (browser === undefined) throw new Error('Chromium did not start');
  const opened: BrowserContext[] = [];
  return {
    async open(options) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(PATIENCE_MS);
      if (TestRunner.getCurrentTest() === undefined) opened.push(context);
      else onTestFinished(() => context.close());
      return context;
    },
    async close() {
      await Promise.all(opened.map((context) => context.close()));
    },
  };
}
