// Test cases by name, run one after the other; the closing line is `N passed, N failed`.
//
//   test('a sentence about behaviour', async () => { ... });   in a file beside run.mjs
//   await runFiles(import.meta.url, process.argv);             in run.mjs: <build-dir> [name part...]
//
// A case that takes longer than its limit has failed: nothing here waits by sleeping, so it hangs.

import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const CASE_LIMIT_MS = 120_000;
const cases = [];
let group = '';

export function test(name, body, { limitMs = CASE_LIMIT_MS } = {}) {
  cases.push({ name: `${group}: ${name}`, body, limitMs });
}

async function runOne({ name, body, limitMs }) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${limitMs} ms`)), limitMs);
  });
  const started = Date.now();
  try {
    await Promise.race([body(), limit]);
    console.log(`ok   ${name} (${Date.now() - started} ms)`);
    return true;
  } catch (error) {
    console.log(`FAIL ${name}\n     ${String(error.stack ?? error).replaceAll('\n', '\n     ')}`);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** The folder of built programs, from the first argument. */
export function buildDir() {
  return path.resolve(process.argv[2] ?? 'build');
}

export async function runFiles(runner, argv) {
  const folder = path.dirname(fileURLToPath(runner));
  const wanted = argv.slice(3);
  const files = readdirSync(folder, { recursive: false })
    .filter((file) => file.endsWith('.test.mjs'))
    .sort();
  for (const file of files) {
    group = file.replace('.test.mjs', '');
    await import(pathToFileURL(path.join(folder, file)));
  }
  const chosen = cases.filter(({ name }) => wanted.every((part) => name.includes(part)));
  let passed = 0;
  for (const one of chosen) {
    passed += (await runOne(one)) ? 1 : 0;
  }
  console.log(`${passed} passed, ${chosen.length - passed} failed`);
  process.exit(passed === chosen.length && passed > 0 ? 0 : 1);
}
