// Runs inside the composition's network namespace: node tests/compose/cases.mjs <folder> [name part...]

import { runFiles } from '../lib/test.mjs';

await runFiles(import.meta.url, process.argv);
