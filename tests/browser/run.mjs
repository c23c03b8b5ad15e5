// Browser tests: Chromium against the real programs. node tests/browser/run.mjs <build-dir> [name part...]

import { runFiles } from '../lib/test.mjs';

await runFiles(import.meta.url, process.argv);
